import CLI

@main
enum Main {
  static func main() async {
    // Answered before the parser is set up: scripts ask for the version often, and building the tree of
    // commands pages in half of the program.
    if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
      return Terminal.writeAll(Version.current + "\n", 1)
    }
    await CommandLineTool.main()
  }
}
