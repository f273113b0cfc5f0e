# What a workload in this account needs; attached by whoever owns the workload's role, not here.
data "aws_iam_policy_document" "caller" {
  statement {
    sid       = "CallCrossPartitionInference"
    actions   = ["execute-api:Invoke"]
    resources = ["${var.api_execution_arn}/${var.stage_name}/*"]
  }
}
