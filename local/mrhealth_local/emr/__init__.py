"""EMR, written anew: moto's does not validate, does not execute and reads the region from the Host.

``api``        requests and answers, checked against botocore's service model
``operations`` what each operation does (clusters, steps, instances, policies, account)
``validate``   what RunJobFlow refuses, ``rules`` what ends an accepted cluster
``model``      clusters, steps, instances; ``describe`` their shapes in answers
``lifecycle``  the thread that moves a cluster through its states
``executor``   bootstrap actions and steps as real processes; ``commands`` what they run
``spark``      how spark-submit becomes one JVM; ``mirror`` how it sees ``s3://``
``logs``       log files in S3 laid out as EMR does
"""
