"""Steps with a real Spark. Slow: run with ``-m spark``, skip with ``-m 'not spark'``."""

from __future__ import annotations

import shutil

import pytest
from conftest import Emr, step

pytestmark = [pytest.mark.spark, pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17")]

JOB = """
import sys
from pyspark.sql import SparkSession, functions as F
import shared
spark = SparkSession.builder.getOrCreate()
rows = spark.read.option("header", True).schema("id int, amount decimal(12,2)").csv(sys.argv[1])
rows.withColumn("amount", F.col("amount") * shared.FACTOR).coalesce(1).write.mode("overwrite").parquet(sys.argv[2])
print("total", spark.read.parquet(sys.argv[2]).agg(F.sum("amount")).first()[0], spark.conf.get("spark.test", "-"))
"""


def test_jobs_read_and_write_s3(emr: Emr) -> None:
    s3, bucket = emr.s3, emr.bucket
    job, shared = emr.put("jobs/job.py", JOB), emr.put("jobs/shared.py", "FACTOR = 2\n")
    emr.put("in/day=1/a.csv", "id,amount\n1,10.50\n2,20.00\n")
    emr.put("out/stale.parquet", "to be replaced")
    submit = [
        "spark-submit",
        "--deploy-mode",
        "client",
        "--py-files",
        shared,
        job,
        f"s3://{bucket}/in/",
        f"s3a://{bucket}/out",
    ]
    container = [
        "spark-submit",
        "--master",
        "yarn",
        "--deploy-mode",
        "cluster",
        "--py-files",
        shared,
        "--conf",
        "spark.test=mine",
        job,
        f"s3://{bucket}/in/",
        f"s3://{bucket}/out2",
    ]
    cluster = emr.run(
        step(*submit),
        step(*container),
        step("spark-submit", emr.put("jobs/bad.py", "raise ValueError('bad luck')")),
        step(
            "bash",
            "-c",
            f"aws s3 cp s3://{bucket}/in/day=1/a.csv s3://{bucket}/in2/a.csv && spark-submit --py-files {shared} {job} s3://{bucket}/in2 s3://{bucket}/out3",
        ),
        Configurations=[{"Classification": "spark-defaults", "Properties": {"spark.test": "theirs"}}],
    )
    emr.wait(cluster, "TERMINATED", "TERMINATED_WITH_ERRORS", seconds=240)
    first, second, third, _ = emr.steps(cluster)
    assert emr.states(cluster) == ["COMPLETED", "COMPLETED", "FAILED", "COMPLETED"], emr.steps(cluster)
    assert emr.log(f"{cluster}/steps/{first['Id']}/stdout.gz") == "total 61.00 theirs\n"
    assert third["Status"]["FailureDetails"]["Message"] == "ValueError: bad luck"

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    for folder in ("out", "out2", "out3"):
        written = [key for key in keys if key.startswith(f"{folder}/")]
        assert f"{folder}/_SUCCESS" in written and len(written) == 2, written
    assert not [key for key in keys if key.endswith((".crc", "/")) or "_temporary" in key]

    containers = [key for key in keys if f"logs/{cluster}/containers/application_" in key]
    assert [key.rpartition("/")[2] for key in containers] == ["stderr.gz", "stdout.gz"]
    assert emr.log(containers[1].removeprefix("logs/")) == "total 61.00 mine\n"
    assert emr.log(f"{cluster}/steps/{second['Id']}/stdout.gz") == ""


def test_spark_sql(emr: Emr) -> None:
    query = emr.put("q.sql", "select 40 + 2 as answer;\n")
    cluster = emr.run(step("spark-sql", "-f", query))
    emr.wait(cluster, "TERMINATED", seconds=120)
    done = emr.steps(cluster)[0]
    assert done["Status"]["State"] == "COMPLETED", done
    assert "42" in emr.log(f"{cluster}/steps/{done['Id']}/stdout.gz")
