// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
  name: "mrhealth",
  products: [.executable(name: "mrhealth", targets: ["mrhealth"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // Without its default trait: the Foundation overlay would bring ICU into the binary.
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    // Loads libcurl itself, see its header.
    .target(name: "CCurl"),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CExpat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),

    .target(name: "HTTP", dependencies: ["CCurl"], swiftSettings: strict),
    .target(
      name: "AWS", dependencies: ["HTTP", "CCrypto", "CExpat", "CZlib", logging, subprocess],
      swiftSettings: strict),
    .target(name: "Model", dependencies: ["CYAML"], swiftSettings: strict),
    .target(name: "Engine", dependencies: ["Model"], swiftSettings: strict),
    .target(name: "Cloud", dependencies: ["AWS", "HTTP", "Engine", "Model"], swiftSettings: strict),
    .target(name: "Jobs", dependencies: ["AWS", "HTTP", "Model"], swiftSettings: strict),
    .target(
      name: "CLI",
      dependencies: ["Cloud", "Jobs", "Engine", "Model", "AWS", "HTTP", argumentParser, logging, subprocess],
      swiftSettings: strict),
    .executableTarget(name: "mrhealth", dependencies: ["CLI"], swiftSettings: strict),

    .target(
      name: "Support", dependencies: ["HTTP", "AWS", "Engine", "Model"], path: "Tests/Support",
      exclude: ["strict_proxy.py"], swiftSettings: strict),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Support"], swiftSettings: strict),
    .testTarget(
      name: "AWSTests", dependencies: ["AWS", "HTTP", "Support"], exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(name: "ModelTests", dependencies: ["Model"], swiftSettings: strict),
    .testTarget(name: "EngineTests", dependencies: ["Engine", "Model", "Support"], swiftSettings: strict),
    .testTarget(
      name: "CloudTests", dependencies: ["Cloud", "AWS", "Engine", "Model", "Support"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(name: "JobsTests", dependencies: ["Jobs", "AWS", "Model", "Support"], swiftSettings: strict),
    .testTarget(name: "CLITests", dependencies: ["CLI", "Cloud", "Engine", "Model", "Support"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
