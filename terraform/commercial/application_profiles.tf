# One profile for each team or purpose that has a budget of its own: callers send its ARN as the model id, and the
# cost of their calls carries its tags.
resource "aws_bedrock_inference_profile" "this" {
  for_each = var.application_profiles

  name        = "${local.name}-${each.key}"
  description = "Calls for ${each.key} in ${local.name}"
  tags        = each.value.tags

  model_source {
    copy_from = (
      contains(local.known_geographies, split(".", each.value.copy_from)[0])
      ? "arn:aws:bedrock:${var.region}:${local.account_id}:inference-profile/${each.value.copy_from}"
      : "arn:aws:bedrock:${var.region}::foundation-model/${each.value.copy_from}"
    )
  }
}
