variable "endpoint" {
  description = "Where the embedded AWS answers."
  type        = string
}

variable "stack" {
  description = "Folder of stacks/mrhealth: its scripts are uploaded."
  type        = string
}

variable "region" {
  type    = string
  default = "us-east-2"
}

variable "notify_email" {
  type    = string
  default = "gestao@mrhealth.example"
}

variable "instance_type" {
  type    = string
  default = "m5.xlarge"
}

variable "core_nodes" {
  type    = number
  default = 2
}
