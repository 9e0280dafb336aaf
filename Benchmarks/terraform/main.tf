# What stacks/mrhealth/stack.yaml says, said to Terraform. Two differences remain, both in Terraform's
# favour: its state is a local file (mrhealth keeps its state in the lake bucket, and a plan reads it from
# there), and `destroy` may empty the lake, as mrhealth's does with `--purge`.

data "aws_caller_identity" "current" {}

data "aws_vpc" "default" {
  default = true
}

locals {
  account = data.aws_caller_identity.current.account_id
  buckets = {
    lake = { name = "mrhealth-terraform-${local.account}" }
    code = { name = "mrhealth-${local.account}" }
  }
  # The scoped EMR policy's conditions ask for it.
  emr = { "for-use-with-amazon-emr-managed-policies" = "true" }
}

# Buckets

resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = each.value.name
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = aws_s3_bucket.this
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  policy   = data.aws_iam_policy_document.tls_only[each.key].json
  # S3 answers OperationAborted to two writes of one bucket's settings at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

data "aws_iam_policy_document" "tls_only" {
  for_each = aws_s3_bucket.this
  statement {
    sid       = "TLSOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.this["lake"].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket     = aws_s3_bucket.this["lake"].id
  depends_on = [aws_s3_bucket_versioning.lake]
  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {
      prefix = ""
    }
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "code" {
  bucket = aws_s3_bucket.this["code"].id
  rule {
    id     = "logs"
    status = "Enabled"
    filter {
      prefix = "logs/"
    }
    expiration {
      days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

# Uploads

resource "aws_s3_object" "pipeline" {
  for_each = fileset("${var.stack}/pipeline", "*.py")
  bucket   = aws_s3_bucket.this["code"].id
  key      = "pipeline/${each.value}"
  source   = "${var.stack}/pipeline/${each.value}"
  etag     = filemd5("${var.stack}/pipeline/${each.value}")
}

resource "aws_s3_object" "scripts" {
  for_each = fileset("${var.stack}/scripts", "*.sh")
  bucket   = aws_s3_bucket.this["code"].id
  key      = "scripts/${each.value}"
  source   = "${var.stack}/scripts/${each.value}"
  etag     = filemd5("${var.stack}/scripts/${each.value}")
}

# Roles

resource "aws_iam_role" "emr_service" {
  name               = "mrhealth-emr-service"
  description        = "EMR service role of the mrhealth stack"
  assume_role_policy = data.aws_iam_policy_document.emr_service_trust.json
}

data "aws_iam_policy_document" "emr_service_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["elasticmapreduce.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:elasticmapreduce:${var.region}:${local.account}:*"]
    }
  }
}

resource "aws_iam_role_policy_attachment" "emr_service" {
  role       = aws_iam_role.emr_service.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
}

resource "aws_iam_role_policy" "pass_node_role" {
  name   = "pass-node-role"
  role   = aws_iam_role.emr_service.id
  policy = data.aws_iam_policy_document.pass_node_role.json
}

data "aws_iam_policy_document" "pass_node_role" {
  statement {
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.emr_node.arn]
    condition {
      test     = "StringLike"
      variable = "iam:PassedToService"
      values   = ["ec2.amazonaws.com*"]
    }
  }
}

resource "aws_iam_role_policy" "default_subnets" {
  name   = "default-subnets"
  role   = aws_iam_role.emr_service.id
  policy = data.aws_iam_policy_document.default_subnets.json
}

data "aws_iam_policy_document" "default_subnets" {
  statement {
    actions = [
      "ec2:CreateFleet",
      "ec2:CreateLaunchTemplate",
      "ec2:CreateLaunchTemplateVersion",
      "ec2:CreateNetworkInterface",
      "ec2:RunInstances",
    ]
    resources = ["arn:aws:ec2:${var.region}:${local.account}:subnet/*"]
    condition {
      test     = "ArnEquals"
      variable = "ec2:Vpc"
      values   = ["arn:aws:ec2:${var.region}:${local.account}:vpc/${data.aws_vpc.default.id}"]
    }
  }
}

resource "aws_iam_role" "emr_node" {
  name               = "mrhealth-emr-node"
  description        = "Role of the cluster's EC2 instances"
  assume_role_policy = data.aws_iam_policy_document.emr_node_trust.json
}

data "aws_iam_policy_document" "emr_node_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "lake_and_code" {
  name   = "lake-and-code"
  role   = aws_iam_role.emr_node.id
  policy = data.aws_iam_policy_document.lake_and_code.json
}

data "aws_iam_policy_document" "lake_and_code" {
  statement {
    sid       = "ListBuckets"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [for bucket in aws_s3_bucket.this : bucket.arn]
  }
  statement {
    sid       = "Data"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.this["lake"].arn}/dados/*"]
  }
  statement {
    sid       = "Code"
    actions   = ["s3:GetObject"]
    resources = [for folder in ["pipeline", "scripts"] : "${aws_s3_bucket.this["code"].arn}/${folder}/*"]
  }
  statement {
    sid       = "Logs"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.this["code"].arn}/logs/*"]
  }
}

resource "aws_iam_instance_profile" "emr_node" {
  name = "mrhealth-emr-node"
  role = aws_iam_role.emr_node.name
}

# Network. EMR adds rules of its own to the two groups, which name each other: both go at once.

resource "aws_security_group" "primary" {
  name                   = "mrhealth-emr-primary"
  description            = "Primary node of the mrhealth cluster"
  vpc_id                 = data.aws_vpc.default.id
  revoke_rules_on_delete = true
  tags                   = local.emr
}

resource "aws_security_group" "core" {
  name                   = "mrhealth-emr-core"
  description            = "Core and task nodes of the mrhealth cluster"
  vpc_id                 = data.aws_vpc.default.id
  revoke_rules_on_delete = true
  tags                   = local.emr
}

# Notification

resource "aws_sns_topic" "alerts" {
  name         = "mrhealth-avisos"
  display_name = "Mr. Health"
}

resource "aws_sns_topic_subscription" "alerts" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = var.notify_email
}

# Cluster

resource "aws_emr_cluster" "main" {
  name                              = "mrhealth"
  release_label                     = "emr-7.13.0"
  applications                      = ["Spark"]
  log_uri                           = "s3://${aws_s3_bucket.this["code"].id}/logs/"
  service_role                      = aws_iam_role.emr_service.arn
  keep_job_flow_alive_when_no_steps = true
  termination_protection            = false
  scale_down_behavior               = "TERMINATE_AT_TASK_COMPLETION"
  tags                              = local.emr

  ec2_attributes {
    instance_profile                  = aws_iam_instance_profile.emr_node.arn
    emr_managed_master_security_group = aws_security_group.primary.id
    emr_managed_slave_security_group  = aws_security_group.core.id
  }

  master_instance_group {
    name           = "Master"
    instance_type  = var.instance_type
    instance_count = 1
  }

  core_instance_group {
    name           = "Core"
    instance_type  = var.instance_type
    instance_count = var.core_nodes
  }

  bootstrap_action {
    name = "prepare"
    path = "s3://${aws_s3_bucket.this["code"].id}/scripts/bootstrap.sh"
  }

  configurations_json = jsonencode([{
    Classification = "spark-defaults"
    Properties = {
      "spark.sql.session.timeZone" = "America/Sao_Paulo"
      "spark.sql.adaptive.enabled" = "true"
    }
  }])

  auto_termination_policy {
    idle_timeout = 3600
  }

  # What the cluster needs to start and no argument of it names.
  depends_on = [
    aws_iam_role_policy.default_subnets,
    aws_iam_role_policy.lake_and_code,
    aws_iam_role_policy.pass_node_role,
    aws_iam_role_policy_attachment.emr_service,
    aws_s3_object.scripts,
  ]
}
