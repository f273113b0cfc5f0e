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

  profile_arns = concat(
    [
      for pair in setproduct(local.geographies, var.model_patterns) :
      "arn:aws:bedrock:${var.region}:${local.account_id}:inference-profile/${pair[0]}.${pair[1]}"
    ],
    [for profile in aws_bedrock_inference_profile.this : profile.arn],
  )
}
