output "store" {
  description = "What nodes and weftd on a shell are given as --store."
  value       = "dynamodb://${aws_dynamodb_table.leases.name}?network=${var.network}"
}

output "node_policy_arn" {
  description = "To attach to the role of your nodes."
  value       = aws_iam_policy.node.arn
}

output "reconciler" {
  description = "The function; also the dimension \"service\" of its metrics."
  value       = aws_lambda_function.reconciler.function_name
}
