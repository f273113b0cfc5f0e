# Which models may be called, as ARNs. A `global.` profile cannot be: it needs `inference-profile/global.*` and
# `arn:aws:bedrock:::foundation-model/*`, without a region, and neither is ever written here.
locals {
  # Where a geography's profiles may send a request; the source region is added where it is not in the list.
  geography_regions = {
    us = ["us-east-1", "us-east-2", "us-west-2"]
    ca = ["ca-central-1", "ca-west-1"]
  }

  # Prefixes of inference profiles; what does not begin with one is the id of a model.
  known_geographies = ["apac", "au", "ca", "eu", "global", "jp", "us"]

  geographies         = var.profile_geographies == null ? toset([split("-", var.region)[0]]) : var.profile_geographies
  destination_regions = setsubtract(flatten([for geography in local.geographies : local.geography_regions[geography]]), [var.region])

  # Models in the region itself, whether called by their own id or through a profile.
  model_arns = [for pattern in var.model_patterns : "arn:aws:bedrock:${var.region}::foundation-model/${pattern}"]

  # Models in the other regions of a geography: only ever reached through a profile.
  remote_model_arns = [
    for pair in setproduct(local.destination_regions, var.model_patterns) : "arn:aws:bedrock:${pair[0]}::foundation-model/${pair[1]}"
  ]

  geography_profile_arns = [
    for pair in setproduct(local.geographies, var.model_patterns) :
    "arn:aws:bedrock:${var.region}:${local.account_id}:inference-profile/${pair[0]}.${pair[1]}"
  ]

  # Bedrock makes up the id of an application profile, so those that the router is to create have no ARN yet. The models
  # behind a profile need a permission of their own in any case.
  every_application_profile_arn = "arn:aws:bedrock:${var.region}:${local.account_id}:application-inference-profile/*"
  application_profile_arns = (
    var.application_profile_creation_enabled
    ? [local.every_application_profile_arn]
    : [for profile in aws_bedrock_inference_profile.this : profile.arn]
  )

  profile_arns = concat(local.geography_profile_arns, local.application_profile_arns)
}
