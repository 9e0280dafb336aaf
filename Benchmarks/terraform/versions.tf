# Terraform and the provider that the comparison is made with; run.py takes the provider from a
# filesystem mirror, nothing is downloaded.
terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# Every service at the embedded AWS; the key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
provider "aws" {
  region                      = var.region
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {
    ec2 = var.endpoint
    emr = var.endpoint
    iam = var.endpoint
    s3  = var.endpoint
    sns = var.endpoint
    sts = var.endpoint
  }

  default_tags {
    tags = { projeto = "mrhealth" }
  }
}
