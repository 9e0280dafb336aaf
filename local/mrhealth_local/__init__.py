"""The embedded AWS of mrhealth: one process on loopback that answers S3, IAM, STS, EC2, SNS,
EventBridge, Scheduler, Glue and EMR well enough to deploy the stack and run its pipeline.

Contract
--------
``python -m mrhealth_local serve --dir DIR [--port 0] [--account A] [--region R] [--config FILE]
[--cache DIR2]`` runs in the foreground, listens on 127.0.0.1 only and, when ready, writes
``DIR/endpoint.json`` (mode 0600, atomically) and prints the same JSON as the first line of stdout::

    {"endpoint": "http://127.0.0.1:PORT", "pid": N, "account": "...", "region": "...",
     "access_key_id": "...", "secret_access_key": "...", "started": "ISO", "version": 1}

A second ``serve`` on a DIR that is being served prints the running server's JSON and exits 0.
SIGTERM, SIGINT and ``POST /_local/shutdown`` kill what runs, remove ``endpoint.json`` and exit 0.
Even after SIGKILL of the server no process it started survives (see ``guard``).

DIR holds ``log.txt``, ``mirror/<bucket>/`` (what Spark reads and writes as ``s3://``),
``clusters/<id>/`` (what a node's disk would hold) and ``cds/`` (Spark's class archive, kept
across runs; elsewhere with ``--cache``). All AWS state is in memory: it ends with the process.

How it is made
--------------
moto (5.2.1) answers every service but EMR. What moto gets wrong is mended from outside:
``s3_uploads`` and ``s3_fixes`` (checksums, atomic conditional writes, defaults, policies),
``sns`` (pending subscriptions, inbox), ``ec2_fixes``, ``tagging``, ``errors`` (no HTML answers).
EMR is ours alone (``emr``): every request is checked against botocore's service model, clusters
move through their states, bootstrap actions and steps are executed.

The admin API, all under ``/_local/``, is documented in ``admin``; the settings in ``config``.
"""

VERSION = 1
