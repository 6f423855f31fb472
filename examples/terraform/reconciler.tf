data "archive_file" "bundle" {
  type        = "zip"
  source_dir  = var.bundle
  output_path = "${path.module}/.terraform/weft-lambda.zip"
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "reconciler" {
  name_prefix        = "weft-reconciler-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "reconciler" {
  name   = "reconciler"
  role   = aws_iam_role.reconciler.id
  policy = data.aws_iam_policy_document.reconciler.json
}

resource "aws_cloudwatch_log_group" "reconciler" {
  name              = "/weft/${var.table_name}/${var.network}"
  retention_in_days = 30
}

resource "aws_lambda_function" "reconciler" {
  # Networks of two tables may have one id, and a function's name has no dots: so the table is in it by its hash.
  function_name    = "weft-${var.network}-${substr(sha256(var.table_name), 0, 8)}"
  description      = "Weft: keeps route tables true"
  role             = aws_iam_role.reconciler.arn
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  handler          = "index.handler"
  filename         = data.archive_file.bundle.output_path
  source_code_hash = data.archive_file.bundle.output_base64sha256
  timeout          = 900
  memory_size      = 512

  # Two at once are safe, by the run lock; the second would only wait for the first.
  reserved_concurrent_executions = 1

  environment {
    variables = {
      WEFT_STORE          = "dynamodb://${aws_dynamodb_table.leases.name}?network=${var.network}"
      WEFT_VPC            = join(",", var.vpcs)
      WEFT_NODE_TAG       = var.node_tag
      WEFT_LIFECYCLE_HOOK = var.hook
      WEFT_WITHIN         = var.container_network
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.reconciler.name
  }

  depends_on = [aws_iam_role_policy.reconciler]
}

resource "aws_lambda_function_event_invoke_config" "reconciler" {
  function_name                = aws_lambda_function.reconciler.function_name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2
}

locals {
  patterns = {
    InstanceState = {
      source      = ["aws.ec2"]
      detail-type = ["EC2 Instance State-change Notification"]
      detail      = { state = ["running", "stopping", "stopped", "shutting-down", "terminated"] }
    }
    SpotInterruption = {
      source      = ["aws.ec2"]
      detail-type = ["EC2 Spot Instance Interruption Warning"]
    }
    GroupTerminates = {
      source      = ["aws.autoscaling"]
      detail-type = ["EC2 Instance-terminate Lifecycle Action"]
      detail      = { AutoScalingGroupName = coalescelist(var.groups, ["none"]), LifecycleHookName = [var.hook] }
    }
  }
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each      = local.patterns
  name_prefix   = "weft-"
  description   = "Weft: look again"
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name_prefix         = "weft-"
  description         = "Weft: look again"
  schedule_expression = "rate(1 minute)"
}

locals {
  rules = merge(aws_cloudwatch_event_rule.events, { Schedule = aws_cloudwatch_event_rule.schedule })
}

resource "aws_cloudwatch_event_target" "reconciler" {
  for_each = local.rules
  rule     = each.value.name
  arn      = aws_lambda_function.reconciler.arn
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 5
  }
}

resource "aws_lambda_permission" "events" {
  for_each      = local.rules
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.reconciler.function_name
  principal     = "events.amazonaws.com"
  source_arn    = each.value.arn
}

locals {
  # A renewal writes no delta, and the reconciler's own rows are neither leases nor the config.
  changes = {
    eventName = ["INSERT"]
    dynamodb = {
      NewImage = {
        PK  = { S = ["net#${var.network}"] }
        SK  = { S = [{ prefix = "delta#" }] }
        row = { S = [{ prefix = "lease#" }, "config"] }
      }
    }
  }
}

resource "aws_lambda_event_source_mapping" "changes" {
  event_source_arn                   = aws_dynamodb_table.leases.stream_arn
  function_name                      = aws_lambda_function.reconciler.arn
  starting_position                  = "LATEST"
  batch_size                         = 1000
  maximum_batching_window_in_seconds = 5
  maximum_retry_attempts             = 2
  bisect_batch_on_function_error     = true
  maximum_record_age_in_seconds      = 900
  filter_criteria {
    filter {
      pattern = jsonencode(local.changes)
    }
  }
}
