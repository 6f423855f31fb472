# docs/operating.md says what to do about each.
locals {
  alarms = {
    Crashes       = { namespace = "AWS/Lambda", metric = "Errors", statistic = "Sum", period = 300, periods = 2, threshold = 0, comparison = "GreaterThanThreshold", silence = "notBreaching" }
    Errors        = { namespace = "Weft", metric = "Errors", statistic = "Sum", period = 300, periods = 3, threshold = 0, comparison = "GreaterThanThreshold", silence = "notBreaching" }
    NoGoodRun     = { namespace = "Weft", metric = "GoodRuns", statistic = "Sum", period = 1200, periods = 1, threshold = 1, comparison = "LessThanThreshold", silence = "breaching" }
    Conflicts     = { namespace = "Weft", metric = "Conflicts", statistic = "Maximum", period = 300, periods = 3, threshold = 0, comparison = "GreaterThanThreshold", silence = "notBreaching" }
    FailedRoutes  = { namespace = "Weft", metric = "FailedRoutes", statistic = "Maximum", period = 300, periods = 3, threshold = 0, comparison = "GreaterThanThreshold", silence = "notBreaching" }
    QuotaUsed     = { namespace = "Weft", metric = "QuotaUsedPercent", statistic = "Maximum", period = 300, periods = 1, threshold = 80, comparison = "GreaterThanThreshold", silence = "notBreaching" }
    Throttles     = { namespace = "AWS/Lambda", metric = "Throttles", statistic = "Sum", period = 300, periods = 3, threshold = 100, comparison = "GreaterThanThreshold", silence = "notBreaching" }
    DroppedEvents = { namespace = "AWS/Lambda", metric = "AsyncEventsDropped", statistic = "Sum", period = 300, periods = 1, threshold = 0, comparison = "GreaterThanThreshold", silence = "notBreaching" }
  }
}

resource "aws_cloudwatch_metric_alarm" "reconciler" {
  for_each            = local.alarms
  alarm_name          = "${aws_lambda_function.reconciler.function_name}-${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = { (each.value.namespace == "Weft" ? "service" : "FunctionName") = aws_lambda_function.reconciler.function_name }
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.silence
  alarm_actions       = var.alarm_topics
}
