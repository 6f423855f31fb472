# The rights of the reconciler and of nodes that leave their routes to it: the same that the CDK constructs make.
data "aws_iam_policy_document" "reconciler" {
  statement {
    sid = "Leases"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = [aws_dynamodb_table.leases.arn]
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["net#${var.network}"]
    }
  }

  statement {
    sid       = "SeeTheNetwork"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  statement {
    sid       = "ForwardForContainers"
    actions   = ["ec2:ModifyNetworkInterfaceAttribute"]
    resources = ["${local.ec2}:network-interface/*"]
    condition {
      test     = "ArnEquals"
      variable = "ec2:Vpc"
      values   = local.vpc_arns
    }
    condition {
      test     = "StringEquals"
      variable = "ec2:Attribute/SourceDestCheck"
      values   = ["false"]
    }
  }

  statement {
    sid       = "WriteRoutes"
    actions   = ["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"]
    resources = [for table in var.route_tables : "${local.ec2}:route-table/${table}"]
    condition {
      test     = "ArnEquals"
      variable = "ec2:Vpc"
      values   = local.vpc_arns
    }
  }

  statement {
    sid       = "ReadQuotas"
    actions   = ["servicequotas:GetServiceQuota"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  # A statement needs a resource: without groups this one names none that there could be.
  statement {
    sid       = "LetMachinesGo"
    actions   = ["autoscaling:CompleteLifecycleAction"]
    resources = [for group in coalescelist(var.groups, ["none"]) : "${local.groups}/${group}"]
  }

  statement {
    sid       = "ReadTheStream"
    actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    resources = [aws_dynamodb_table.leases.stream_arn]
  }

  statement {
    sid       = "FindTheStream"
    actions   = ["dynamodb:ListStreams"]
    resources = ["${aws_dynamodb_table.leases.arn}/stream/*"]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.reconciler.arn}:*"]
  }
}

data "aws_iam_policy_document" "node" {
  statement {
    sid = "Leases"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = [aws_dynamodb_table.leases.arn]
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["net#${var.network}"]
    }
  }

  statement {
    sid       = "SeeTheNetwork"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }
}

# To attach to the role of your nodes.
resource "aws_iam_policy" "node" {
  name_prefix = "weft-node-"
  description = "Weft: a node, routes written by the reconciler"
  policy      = data.aws_iam_policy_document.node.json
}
