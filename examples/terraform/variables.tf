terraform {
  required_version = ">= 1.5"
  required_providers {
    # The first that takes nodejs24.x.
    aws     = { source = "hashicorp/aws", version = ">= 6.19" }
    archive = { source = "hashicorp/archive", version = ">= 2.4" }
  }
}

variable "vpcs" {
  type        = list(string)
  description = "Ids of the VPCs whose route tables are kept."
  validation {
    condition     = length(var.vpcs) > 0
    error_message = "At least one VPC."
  }
}

variable "route_tables" {
  type        = list(string)
  default     = ["*"]
  description = "Ids of the route tables that may be written; [\"*\"]: all of those VPCs."
}

variable "bundle" {
  type        = string
  description = "The folder of the function: node_modules/weftd/dist/lambda."
}

variable "table_name" {
  type    = string
  default = "weft"
}

variable "network" {
  type        = string
  default     = "default"
  description = "Which of the networks in the table: as ?network= in the store's URL."
  validation {
    # It is part of the function's name, which has no dots and 64 characters at most.
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$", var.network))
    error_message = "At most 50 letters, digits, dashes and underscores, the first a letter or digit."
  }
}

variable "container_network" {
  type        = string
  default     = ""
  description = "Range in which the config's Network must lie; empty: wherever it says."
  validation {
    condition     = var.container_network == "" || can(cidrnetmask(var.container_network))
    error_message = "A range like 10.42.0.0/16, or nothing."
  }
}

variable "groups" {
  type        = list(string)
  default     = []
  description = "Names of the Auto Scaling groups that are held up at an instance's end; each needs the lifecycle hook that var.hook names, for autoscaling:EC2_INSTANCE_TERMINATING."
  validation {
    # A rule's pattern has 2,048 characters at most, the rest of it and the hook's name among them.
    condition     = length(jsonencode(var.groups)) <= 1600
    error_message = "So many names do not fit into one rule: give the groups to several rules."
  }
}

variable "hook" {
  type        = string
  default     = "weft-drain"
  description = "Name of those groups' lifecycle hook that is Weft's: another tool's are left alone."
  validation {
    condition     = can(regex("^[A-Za-z0-9_/-]{1,255}$", var.hook))
    error_message = "1 to 255 letters, digits, dashes, underscores or slashes."
  }
}

variable "node_tag" {
  type        = string
  default     = "weft:node"
  description = "key or key=value that an instance must carry for its lease to be believed; none: any instance may."
}

variable "alarm_topics" {
  type        = list(string)
  default     = []
  description = "ARNs of SNS topics that alarms are told to."
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region   = data.aws_region.current.region
  ec2      = "arn:${data.aws_partition.current.partition}:ec2:${local.region}:${data.aws_caller_identity.current.account_id}"
  groups   = "arn:${data.aws_partition.current.partition}:autoscaling:${local.region}:${data.aws_caller_identity.current.account_id}:autoScalingGroup:*:autoScalingGroupName"
  vpc_arns = [for vpc in var.vpcs : "${local.ec2}:vpc/${vpc}"]
}
