"""A small Spark job that touches what daily pipelines touch, so that its classes get into the class archive
(``archive``). Run by spark-submit, not imported."""

import sys

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

root = sys.argv[1]
spark = SparkSession.builder.appName("training").getOrCreate()
rows = [(number, f"unit {number % 3}", "2024-11-20", f"{number}.50") for number in range(50)]
frame = spark.createDataFrame(rows, "id int, name string, day string, amount string")
frame.write.mode("overwrite").option("header", True).csv(f"{root}/csv")
read = (
    spark.read.option("header", True)
    .option("columnNameOfCorruptRecord", "_bad")
    .schema("id int, name string, day string, amount string, _bad string")
    .csv(f"{root}/csv")
)
typed = read.withColumn("amount", F.col("amount").cast("decimal(12,2)")).withColumn("day", F.to_date("day")).cache()
typed.filter("_bad is null").drop("_bad").dropDuplicates(["id"]).write.mode("overwrite").partitionBy("day").parquet(
    f"{root}/parquet"
)
stored = spark.read.parquet(f"{root}/parquet")
stored.createOrReplaceTempView("stored")
sums = spark.sql(
    "select name, day, sum(amount) total, count(*) n, count(distinct id) ids from stored group by name, day"
)
joined = stored.join(F.broadcast(sums), ["name", "day"]).join(
    typed.select("id", F.upper("name").alias("upper")), "id", "left"
)
ranked = joined.withColumn("rank", F.row_number().over(Window.partitionBy("name").orderBy(F.desc("amount"))))
ranked.write.mode("overwrite").parquet(f"{root}/out")
stored.coalesce(1).write.mode("append").json(f"{root}/json")
print(ranked.count(), sums.orderBy("name").collect()[0], spark.read.text(f"{root}/csv").count())
