import Testing

@testable import Jobs

/// What a step's error output tells. The samples are as Spark 3.5 writes them on EMR, shortened.
@Suite struct DiagnosisTests {
  private func diagnose(_ log: String) -> Diagnosis? { Diagnosis(logs: [log]) }

  static let noise = """
    24/11/20 03:00:01 INFO SparkContext: Running Spark version 3.5.3-amzn-0
    24/11/20 03:00:02 INFO BlockManager: 0 errors, 3 attempts failed before
    24/11/20 03:00:03 WARN NativeCodeLoader: Unable to load native-hadoop library: java.lang.Exception ignored
    24/11/20 03:00:04 INFO ShutdownHookManager: Deleting directory /mnt/tmp/spark-1
    """

  @Test func `a user's own error, with Spark's frames around it`() {
    let found = diagnose(
      Self.noise + """

        Traceback (most recent call last):
          File "/mnt/tmp/spark-5e/silver.py", line 538, in <module>
            main()
          File "/mnt/tmp/spark-5e/silver.py", line 42, in main
            frame = ler(sessao, "PEDIDO")
          File "/mnt/tmp/spark-5e/lago.py", line 17, in ler
            return sessao.read.csv(caminho)
          File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/sql/readwriter.py", line 740, in csv
          File "/usr/lib/spark/python/lib/py4j-0.10.9.7-src.zip/py4j/java_gateway.py", line 1322, in __call__
          File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/errors/exceptions/captured.py", line 185, in deco
        pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://lake/x.csv.
        24/11/20 03:00:09 INFO SparkContext: Invoking stop() from shutdown hook
        """)
    #expect(
      found?.cause
        == "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://lake/x.csv."
    )
    #expect(found?.place == "lago.py:17")
    #expect(found?.excerpt.count == 10)
    #expect(found?.excerpt.last == found?.cause)
  }

  @Test func `a plain Python error`() {
    let found = diagnose(
      """
      Traceback (most recent call last):
        File "/mnt/tmp/spark-5e/gold.py", line 9, in <module>
          int("x")
      ValueError: invalid literal for int() with base 10: 'x'
      """)
    #expect(found?.cause == "ValueError: invalid literal for int() with base 10: 'x'")
    #expect(found?.place == "gold.py:9")
  }

  @Test func `of chained errors the last one ended the step`() {
    let found = diagnose(
      """
      Traceback (most recent call last):
        File "/home/hadoop/a.py", line 1, in <module>
      KeyError: 'x'

      During handling of the above exception, another exception occurred:

      Traceback (most recent call last):
        File "/home/hadoop/a.py", line 3, in <module>
      RuntimeError: no column x
      """)
    #expect(found?.cause == "RuntimeError: no column x")
    #expect(found?.place == "a.py:3")
  }

  @Test func `an error of Spark's own is named by its Java exception, and placed in the user's script`() {
    let found = diagnose(
      """
      Traceback (most recent call last):
        File "/mnt/tmp/spark-5e/silver.py", line 61, in <module>
          frame.write.parquet(saida)
        File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/sql/readwriter.py", line 1721, in parquet
        File "/usr/lib/spark/python/lib/py4j-0.10.9.7-src.zip/py4j/java_gateway.py", line 1322, in __call__
        File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/errors/exceptions/captured.py", line 179, in deco
        File "/usr/lib/spark/python/lib/py4j-0.10.9.7-src.zip/py4j/protocol.py", line 326, in get_return_value
      py4j.protocol.Py4JJavaError: An error occurred while calling o87.parquet.
      : org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times
      \tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:3067)
      Caused by: java.io.IOException: No space left on device
      \t... 1 more
      """)
    #expect(
      found?.cause
        == "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times")
    #expect(found?.place == "silver.py:61")
  }

  @Test func `a Java job is named by its deepest cause`() {
    let found = diagnose(
      """
      Exception in thread "main" java.lang.RuntimeException: outer
      \tat com.example.Main.main(Main.java:3)
      Caused by: java.lang.IllegalStateException: middle
      \t... 1 more
      Caused by: java.io.FileNotFoundException: s3://lake/gold
      \t... 2 more
      """)
    #expect(found?.cause == "java.io.FileNotFoundException: s3://lake/gold")
    #expect(found?.place == nil)
    #expect(found?.excerpt.contains("Caused by: java.io.FileNotFoundException: s3://lake/gold") == true)
  }

  @Test func `a shell command's error`() {
    let found = diagnose("+ aws s3 cp a b\nfatal error: An error occurred (404) when calling HeadObject: Not Found\n")
    #expect(found?.cause == "fatal error: An error occurred (404) when calling HeadObject: Not Found")
    #expect(found?.excerpt.first == "+ aws s3 cp a b")
    #expect(diagnose("bash: foo: command not found\n\n")?.cause == "bash: foo: command not found")
    #expect(diagnose("\n  killed by the kernel\n")?.cause == "  killed by the kernel")
  }

  @Test func `Spark's everyday messages are no cause`() {
    #expect(diagnose(Self.noise) == nil, "stdout or EMR's own words have to say it")
    #expect(
      diagnose(Self.noise + "\n24/11/20 03:00:05 ERROR Client: Application failed: out of memory\n")?.cause
        == "24/11/20 03:00:05 ERROR Client: Application failed: out of memory")
  }

  @Test(arguments: ["", "\n", "  \n\n"]) func `nothing says nothing`(_ log: String) {
    #expect(diagnose(log) == nil)
  }

  @Test func `long lines are cut`() {
    #expect(diagnose("error " + String(repeating: "x", count: 1000))?.cause.count == 303)
  }
}
