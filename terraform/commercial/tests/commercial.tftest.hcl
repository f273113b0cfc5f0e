# The real provider, computing for the Commercial partition without an account.
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

provider "aws" {
  alias                       = "canada"
  region                      = "ca-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

provider "aws" {
  alias                       = "govcloud"
  region                      = "us-gov-west-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

# What AWS would answer, so that policies are whole at plan time.
override_resource {
  target          = aws_bedrock_inference_profile.this["claims-triage"]
  override_during = plan
  values          = { arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456" }
}

override_resource {
  target          = aws_kms_key.logs
  override_during = plan
  values          = { arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
}

override_resource {
  target          = aws_iam_role.router
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/cross-partition-dev-bedrock-us-east-1-router" }
}

override_resource {
  target          = aws_iam_policy.invoke
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:policy/cross-partition-dev-bedrock-us-east-1-invoke" }
}

variables {
  environment = "dev"
}

run "the_policies_allow_exactly_what_the_documents_say" {
  command = plan

  # The whole policies, in the form that people without Terraform use: see the README.
  assert {
    condition     = jsondecode(aws_iam_policy.invoke.policy) == jsondecode(file("policies/invoke.json"))
    error_message = "The invoke policy changed: policies/invoke.json lists every action and resource of it on purpose."
  }

  assert {
    condition     = jsondecode(aws_iam_policy.api_key[0].policy) == jsondecode(file("policies/api-key.json"))
    error_message = "The API key policy changed: policies/api-key.json lists it on purpose."
  }

  assert {
    condition     = jsondecode(output.rotation_policy_json) == jsondecode(file("policies/rotate-api-key.json"))
    error_message = "The rotation policy changed: policies/rotate-api-key.json lists it on purpose."
  }

  assert {
    condition     = jsondecode(output.invoke_policy_json) == jsondecode(aws_iam_policy.invoke.policy) && jsondecode(output.api_key_policy_json) == jsondecode(aws_iam_policy.api_key[0].policy)
    error_message = "The outputs must be the policies themselves."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.invoke.policy, "global.") && !strcontains(aws_iam_policy.invoke.policy, "bedrock:::") && !strcontains(aws_iam_policy.invoke.policy, "bedrock:*:")
    error_message = "No statement may reach a global profile: neither the profile itself nor a model without a region."
  }

  assert {
    condition = (
      aws_iam_user.api_key[0].name == "cross-partition-dev-bedrock-us-east-1" &&
      aws_iam_user.api_key[0].force_destroy == false &&
      aws_iam_user.api_key[0].permissions_boundary == null &&
      aws_iam_group_membership.api_key[0].users == toset(["cross-partition-dev-bedrock-us-east-1"]) &&
      aws_iam_group_membership.api_key[0].group == "cross-partition-dev-bedrock-us-east-1" &&
      toset(keys(aws_iam_group_policy_attachment.api_key)) == toset(["api_key", "invoke"])
    )
    error_message = "The user gets its two policies from a group of its own, and a user with a key must not be deleted."
  }

  assert {
    condition     = length(aws_iam_user_policy_attachments_exclusive.api_key[0].policy_arns) == 0 && length(aws_iam_user_policies_exclusive.api_key[0].policy_names) == 0
    error_message = "Nothing else may be attached to the user."
  }

  assert {
    condition = (
      output.invocation_log == null && output.application_profile_arns == {} && output.region == "us-east-1" &&
      output.api_key_user_name == "cross-partition-dev-bedrock-us-east-1" &&
      length(aws_bedrock_model_invocation_logging_configuration.this) == 0 && length(aws_kms_key.logs) == 0 &&
      length(aws_s3_bucket.model_invocations) == 0 && length(aws_iam_role.invocation_logging) == 0 &&
      length(aws_iam_openid_connect_provider.govcloud) == 0 && length(aws_iam_role.router) == 0 &&
      output.federation_role_arn == null && output.federation_provider_arn == null && output.federation_trust_policy_json == null
    )
    error_message = "Logging, application profiles and federation are off by default."
  }
}

run "every_option_adds_what_it_says" {
  command = plan

  variables {
    model_patterns           = ["anthropic.claude-*"]
    guardrail_ids            = ["abc123"]
    allowed_source_cidrs     = ["198.51.100.7/32"]
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    application_profiles = {
      claims-triage = { copy_from = "us.anthropic.claude-haiku-4-5-20251001-v1:0", tags = { CostCenter = "1234" } }
    }
    invocation_logging = { destinations = ["cloudwatch", "s3"], retention_days = 90, access_log_bucket = "access-logs" }
  }

  assert {
    condition = (
      aws_bedrock_inference_profile.this["claims-triage"].name == "cross-partition-dev-claims-triage" &&
      aws_bedrock_inference_profile.this["claims-triage"].tags == tomap({ CostCenter = "1234" }) &&
      aws_bedrock_inference_profile.this["claims-triage"].model_source[0].copy_from == "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0" &&
      output.application_profile_arns == { claims-triage = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456" }
    )
    error_message = "The application profile must copy the geography profile of this account and carry its tags."
  }

  assert {
    condition = jsondecode(aws_iam_policy.invoke.policy).Statement == [
      jsondecode(file("policies/invoke.json")).Statement[0],
      {
        Sid      = "ReadModels"
        Effect   = "Allow"
        Action   = "bedrock:GetFoundationModel"
        Resource = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-*"
      },
      {
        Sid    = "ReadProfiles"
        Effect = "Allow"
        Action = "bedrock:GetInferenceProfile"
        Resource = [
          "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-*",
          "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
        ]
      },
      {
        Sid      = "InvokeModels"
        Effect   = "Allow"
        Action   = ["bedrock:InvokeModelWithResponseStream", "bedrock:InvokeModel", "bedrock:CountTokens"]
        Resource = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-*"
      },
      {
        Sid    = "InvokeProfiles"
        Effect = "Allow"
        Action = ["bedrock:InvokeModelWithResponseStream", "bedrock:InvokeModel"]
        Resource = [
          "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-*",
          "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
        ]
      },
      {
        Sid    = "InvokeRemoteModelsThroughProfiles"
        Effect = "Allow"
        Action = ["bedrock:InvokeModelWithResponseStream", "bedrock:InvokeModel"]
        Resource = [
          "arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-*",
          "arn:aws:bedrock:us-east-2::foundation-model/anthropic.claude-*",
        ]
        Condition = {
          ArnLike = {
            "bedrock:InferenceProfileArn" = [
              "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-*",
              "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
            ]
          }
        }
      },
      jsondecode(file("policies/invoke.json")).Statement[6],
      jsondecode(file("policies/invoke.json")).Statement[7],
      {
        Sid      = "ApplyGuardrails"
        Effect   = "Allow"
        Action   = "bedrock:ApplyGuardrail"
        Resource = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123"
      },
      {
        Sid       = "DenyOtherNetworks"
        Effect    = "Deny"
        Action    = "bedrock:*"
        Resource  = "*"
        Condition = { NotIpAddress = { "aws:SourceIp" = "198.51.100.7/32" } }
      },
    ]
    error_message = "The invoke policy must hold the application profile, the guardrail and the networks, and nothing wider."
  }

  assert {
    condition = (
      aws_iam_user.api_key[0].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary" &&
      aws_iam_role.invocation_logging[0].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    )
    error_message = "The permissions boundary must be on every principal."
  }

  assert {
    condition = (
      !aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.text_data_delivery_enabled &&
      !aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.image_data_delivery_enabled &&
      !aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.embedding_data_delivery_enabled &&
      !aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.video_data_delivery_enabled &&
      aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.cloudwatch_config.large_data_delivery_s3_config == null &&
      aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.cloudwatch_config.log_group_name == "/aws/bedrock/cross-partition-dev" &&
      aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.s3_config.bucket_name == "cross-partition-dev-model-logs-123456789012-us-east-1"
    )
    error_message = "Logging alone must not store any prompt or answer."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.model_invocations[0].retention_in_days == 90 &&
      aws_cloudwatch_log_group.model_invocations[0].kms_key_id == "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555" &&
      aws_s3_bucket.model_invocations[0].force_destroy == false &&
      one(aws_s3_bucket_versioning.model_invocations[0].versioning_configuration).status == "Enabled" &&
      one(one(aws_s3_bucket_server_side_encryption_configuration.model_invocations[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555" &&
      aws_s3_bucket_public_access_block.model_invocations[0].restrict_public_buckets &&
      one(aws_s3_bucket_ownership_controls.model_invocations[0].rule).object_ownership == "BucketOwnerEnforced" &&
      one(aws_s3_bucket_lifecycle_configuration.model_invocations[0].rule[0].expiration).days == 90 &&
      aws_s3_bucket_logging.model_invocations[0].target_bucket == "access-logs" &&
      aws_s3_bucket_logging.model_invocations[0].target_prefix == "model-logs-dev/" &&
      aws_s3_bucket_notification.model_invocations[0].eventbridge &&
      aws_kms_key.logs[0].enable_key_rotation &&
      output.invocation_log.bucket == "cross-partition-dev-model-logs-123456789012-us-east-1"
    )
    error_message = "Both destinations must be encrypted, private and expire."
  }

  assert {
    condition = jsondecode(aws_iam_role.invocation_logging[0].assume_role_policy).Statement == [
      {
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "bedrock.amazonaws.com" }
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:bedrock:us-east-1:123456789012:*" }
        }
      },
    ]
    error_message = "Bedrock may take the role for this account only."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.invocation_logging[0].policy).Statement == [
      {
        Sid      = "WriteModelInvocations"
        Effect   = "Allow"
        Action   = ["logs:PutLogEvents", "logs:CreateLogStream"]
        Resource = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/bedrock/cross-partition-dev:log-stream:aws/bedrock/modelinvocations"
      },
    ]
    error_message = "The role may write one log stream."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.model_invocations[0].policy).Statement == [
      {
        Sid       = "WriteModelInvocations"
        Effect    = "Allow"
        Action    = "s3:PutObject"
        Resource  = "arn:aws:s3:::cross-partition-dev-model-logs-123456789012-us-east-1/AWSLogs/123456789012/BedrockModelInvocationLogs/*"
        Principal = { Service = "bedrock.amazonaws.com" }
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:bedrock:us-east-1:123456789012:*" }
        }
      },
      {
        Sid       = "DenyWithoutTls"
        Effect    = "Deny"
        Action    = "s3:*"
        Principal = "*"
        Resource = [
          "arn:aws:s3:::cross-partition-dev-model-logs-123456789012-us-east-1/*",
          "arn:aws:s3:::cross-partition-dev-model-logs-123456789012-us-east-1",
        ]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
    error_message = "Only Bedrock may write the log, for this account and over TLS."
  }

  assert {
    condition = jsondecode(aws_kms_key.logs[0].policy).Statement == [
      {
        Sid       = "DelegateToIam"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:aws:iam::123456789012:root" }
        Condition = { StringEquals = { "kms:CallerAccount" = "123456789012" } }
      },
      {
        Sid    = "EncryptLogGroup"
        Effect = "Allow"
        Action = [
          "kms:ReEncryptTo", "kms:ReEncryptFrom", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKey",
          "kms:Encrypt", "kms:DescribeKey", "kms:Decrypt",
        ]
        Resource  = "*"
        Principal = { Service = "logs.us-east-1.amazonaws.com" }
        Condition = {
          ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/bedrock/cross-partition-dev" }
        }
      },
      {
        Sid       = "EncryptLogObjects"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = "*"
        Principal = { Service = "bedrock.amazonaws.com" }
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:bedrock:us-east-1:123456789012:*" }
        }
      },
    ]
    error_message = "The key serves this log group and Bedrock's log objects, and nothing else."
  }
}

run "the_router_creates_application_profiles_and_invokes_asynchronously" {
  command = plan

  variables {
    model_patterns                       = ["amazon.*"]
    allowed_source_cidrs                 = ["198.51.100.7/32"]
    application_profile_creation_enabled = true
    application_profiles                 = { claims-triage = { copy_from = "us.amazon.nova-lite-v1:0" } }
    async_output = {
      s3_prefixes  = ["s3://agency-results/videos/", "s3://agency-embeddings/"]
      kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"]
    }
  }

  assert {
    condition = slice(jsondecode(aws_iam_policy.invoke.policy).Statement, 8, 16) == [
      {
        Sid    = "CreateApplicationProfiles"
        Effect = "Allow"
        Action = "bedrock:CreateInferenceProfile"
        Resource = [
          "arn:aws:bedrock:us-east-1::foundation-model/amazon.*",
          "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.*",
          "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/*",
        ]
      },
      {
        Sid      = "TagApplicationProfiles"
        Effect   = "Allow"
        Action   = "bedrock:TagResource"
        Resource = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/*"
      },
      {
        Sid      = "InvokeAsynchronously"
        Effect   = "Allow"
        Action   = ["bedrock:TagResource", "bedrock:InvokeModel", "bedrock:GetAsyncInvoke"]
        Resource = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/*"
      },
      {
        Sid       = "ListAsynchronousInvocations"
        Effect    = "Allow"
        Action    = "bedrock:ListAsyncInvokes"
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = "us-east-1" } }
      },
      {
        Sid      = "WriteAsynchronousResults"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = ["arn:aws:s3:::agency-results/videos/*", "arn:aws:s3:::agency-embeddings/*"]
      },
      {
        Sid       = "EncryptAsynchronousResults"
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
        Condition = { StringEquals = { "kms:ViaService" = "s3.us-east-1.amazonaws.com" } }
      },
      {
        Sid       = "DenyOtherNetworks"
        Effect    = "Deny"
        Action    = "bedrock:*"
        Resource  = "*"
        Condition = { NotIpAddress = { "aws:SourceIp" = "198.51.100.7/32" } }
      },
      {
        Sid      = "DenyWritingFromOtherNetworks"
        Effect   = "Deny"
        Action   = "s3:PutObject"
        Resource = "*"
        Condition = {
          NotIpAddress = { "aws:SourceIp" = "198.51.100.7/32" }
          Bool         = { "aws:ViaAWSService" = "false" }
        }
      },
    ]
    error_message = "The invoke policy must let the router create profiles and write to the given places, and nowhere else."
  }

  assert {
    condition = [for index in [2, 4, 5] : try(
      jsondecode(aws_iam_policy.invoke.policy).Statement[index].Condition.ArnLike["bedrock:InferenceProfileArn"],
      jsondecode(aws_iam_policy.invoke.policy).Statement[index].Resource,
      )] == [
      for index in [2, 4, 5] : [
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.*",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/*",
      ]
    ]
    error_message = "Profiles that the router creates must be readable and callable, as all application profiles, and so must the models behind them."
  }
}

run "federation_trusts_one_role_of_govcloud" {
  command = plan

  variables {
    api_key_user_enabled = false
    federation = {
      issuer_url       = "https://11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws"
      subject_role_arn = "arn:aws-us-gov:iam::210987654321:role/cross-partition-dev-router-us-gov-west-1"
    }
  }

  # In the form that people without Terraform use: see the README.
  assert {
    condition     = jsondecode(aws_iam_role.router[0].assume_role_policy) == jsondecode(file("policies/federation-trust.json"))
    error_message = "The trust policy changed: policies/federation-trust.json lists it on purpose."
  }

  assert {
    condition = (
      aws_iam_openid_connect_provider.govcloud[0].url == "https://11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws" &&
      aws_iam_openid_connect_provider.govcloud[0].client_id_list == toset(["cross-partition-inference"])
    )
    error_message = "The provider must take tokens of this issuer for this audience only."
  }

  assert {
    condition = (
      aws_iam_role.router[0].name == "cross-partition-dev-bedrock-us-east-1-router" &&
      aws_iam_role.router[0].max_session_duration == 3600 &&
      aws_iam_role.router[0].permissions_boundary == null &&
      aws_iam_role_policy_attachment.router[0].role == "cross-partition-dev-bedrock-us-east-1-router" &&
      aws_iam_role_policy_attachment.router[0].policy_arn == aws_iam_policy.invoke.arn &&
      aws_iam_role_policy_attachments_exclusive.router[0].policy_arns == toset([aws_iam_policy.invoke.arn]) &&
      length(aws_iam_role_policies_exclusive.router[0].policy_names) == 0
    )
    error_message = "The role must have the invoke policy, and nothing beside it."
  }

  assert {
    condition = (
      output.federation_role_arn == "arn:aws:iam::123456789012:role/cross-partition-dev-bedrock-us-east-1-router" &&
      output.federation_provider_arn == "arn:aws:iam::123456789012:oidc-provider/11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws" &&
      output.federation_trust_policy_json == aws_iam_role.router[0].assume_role_policy && output.api_key_user_name == null
    )
    error_message = "The GovCloud side and other environments find role and provider by outputs."
  }
}

run "a_second_environment_shares_the_provider" {
  command = plan

  providers = { aws = aws.canada }

  variables {
    region                   = "ca-central-1"
    allowed_source_cidrs     = ["198.51.100.7/32"]
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    federation = {
      issuer_url       = "https://abc-1.tokens.sts.gov-domain.example"
      subject_role_arn = "arn:aws-us-gov:iam::210987654321:role/teams/router"
      audience         = "https://inference.agency.example/dev"
      create_provider  = false
    }
  }

  assert {
    condition = (
      length(aws_iam_openid_connect_provider.govcloud) == 0 && aws_iam_role.router[0].name == "cross-partition-dev-bedrock-ca-central-1-router" &&
      aws_iam_role.router[0].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    )
    error_message = "Only the role must be made, in this region's name and within the boundary."
  }

  assert {
    condition = one(jsondecode(aws_iam_role.router[0].assume_role_policy).Statement) == {
      Sid       = "ExchangeIdentityToken"
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/abc-1.tokens.sts.gov-domain.example" }
      Condition = {
        StringEquals = {
          "abc-1.tokens.sts.gov-domain.example:aud" = "https://inference.agency.example/dev"
          "abc-1.tokens.sts.gov-domain.example:sub" = "arn:aws-us-gov:iam::210987654321:role/teams/router"
        }
        IpAddress = { "aws:SourceIp" = "198.51.100.7/32" }
      }
    }
    error_message = "The trust must name the shared provider, and the networks that Bedrock may be called from."
  }
}

run "content_is_stored_only_when_asked_for" {
  command = plan

  variables {
    api_key_user_enabled = false
    invocation_logging   = { destinations = ["cloudwatch", "s3"], content_delivery_enabled = true, deletion_protection = false }
  }

  assert {
    condition = (
      aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.text_data_delivery_enabled &&
      aws_bedrock_model_invocation_logging_configuration.this[0].logging_config.cloudwatch_config.large_data_delivery_s3_config.bucket_name == "cross-partition-dev-model-logs-123456789012-us-east-1" &&
      aws_s3_bucket.model_invocations[0].force_destroy && length(aws_s3_bucket_logging.model_invocations) == 0
    )
    error_message = "With content, what is too large for a log event must go to the bucket."
  }

  assert {
    condition = (
      length(aws_iam_user.api_key) == 0 && length(aws_iam_group.api_key) == 0 && length(aws_iam_policy.api_key) == 0 &&
      length(aws_iam_group_policy_attachment.api_key) == 0 && output.api_key_user_name == null && aws_iam_policy.invoke.name == "cross-partition-dev-bedrock-us-east-1-invoke"
    )
    error_message = "Without the user, the invoke policy must remain for other principals."
  }
}

run "canada_stays_in_canada" {
  command = plan

  providers = { aws = aws.canada }

  variables {
    region               = "ca-central-1"
    model_patterns       = ["amazon.*"]
    application_profiles = { search = { copy_from = "amazon.nova-lite-v1:0" } }
    invocation_logging   = {}
  }

  override_resource {
    target          = aws_bedrock_inference_profile.this
    override_during = plan
    values          = { arn = "arn:aws:bedrock:ca-central-1:123456789012:application-inference-profile/xyz" }
  }

  assert {
    condition     = !strcontains(aws_iam_policy.invoke.policy, "us-") && !strcontains(aws_iam_policy.invoke.policy, "/us.")
    error_message = "The region's own geography is the only one by default."
  }

  assert {
    condition     = jsondecode(aws_iam_policy.invoke.policy).Statement[5].Resource == "arn:aws:bedrock:ca-west-1::foundation-model/amazon.*"
    error_message = "Profiles of Canada may send requests to ca-west-1."
  }

  assert {
    condition = (
      aws_bedrock_inference_profile.this["search"].model_source[0].copy_from == "arn:aws:bedrock:ca-central-1::foundation-model/amazon.nova-lite-v1:0" &&
      aws_iam_user.api_key[0].name == "cross-partition-dev-bedrock-ca-central-1" &&
      length(aws_s3_bucket.model_invocations) == 0 && length(aws_s3_bucket_logging.model_invocations) == 0 && aws_cloudwatch_log_group.model_invocations[0].retention_in_days == 365 &&
      output.invocation_log.bucket == null
    )
    error_message = "Names and ARNs must follow the region, and CloudWatch is the default destination."
  }
}

run "canada_may_use_profiles_of_the_united_states" {
  command = plan

  providers = { aws = aws.canada }

  variables {
    region              = "ca-central-1"
    model_patterns      = ["amazon.*"]
    profile_geographies = ["us"]
  }

  assert {
    condition = (
      jsondecode(aws_iam_policy.invoke.policy).Statement[4].Resource == "arn:aws:bedrock:ca-central-1:123456789012:inference-profile/us.amazon.*" &&
      jsondecode(aws_iam_policy.invoke.policy).Statement[5].Resource == [for region in ["us-west-2", "us-east-2", "us-east-1"] : "arn:aws:bedrock:${region}::foundation-model/amazon.*"]
    )
    error_message = "The profiles of the geography and the models in all of its regions must be allowed."
  }
}

run "another_partition_is_refused" {
  command = plan

  providers = { aws = aws.govcloud }

  expect_failures = [data.aws_caller_identity.current]
}

run "a_policy_that_iam_would_refuse_is_refused" {
  command = plan

  variables {
    model_patterns = [for number in range(30) : "vendor${number}.*"]
  }

  expect_failures = [aws_iam_policy.invoke]
}

# A variable that depends on another one is not judged while that one is wrong, so these take more than one run.
run "invalid_values_are_refused" {
  command = plan

  variables {
    environment              = "Production"
    region                   = "us-gov-west-1"
    name_prefix              = "Too-Long-A-Prefix"
    tags                     = { ManagedBy = "hand" }
    model_patterns           = ["claude"]
    guardrail_ids            = ["arn:aws:bedrock:us-east-1:123456789012:guardrail/abc"]
    allowed_source_cidrs     = ["0.0.0.0/0"]
    permissions_boundary_arn = "arn:aws-us-gov:iam::123456789012:policy/boundary"
    invocation_logging       = { destinations = ["firehose"] }
    async_output             = { s3_prefixes = ["s3://agency-results/videos*"] }
    federation = {
      issuer_url       = "https://abc.tokens.sts.global.api.aws/"
      subject_role_arn = "arn:aws-us-gov:iam::210987654321:role/router"
    }
  }

  expect_failures = [
    var.environment, var.region, var.name_prefix, var.tags, var.model_patterns, var.guardrail_ids,
    var.allowed_source_cidrs, var.permissions_boundary_arn, var.invocation_logging, var.async_output, var.federation,
  ]
}

run "no_models_a_global_geography_and_no_destination_are_refused" {
  command = plan

  variables {
    model_patterns       = []
    profile_geographies  = ["us", "global"]
    allowed_source_cidrs = ["198.51.100.7"]
    invocation_logging   = { destinations = [] }
    async_output         = { s3_prefixes = ["s3://agency-results/"], kms_key_arns = ["alias/results"] }
    federation = {
      issuer_url       = "https://abc.tokens.sts.global.api.aws"
      subject_role_arn = "arn:aws-us-gov:sts::210987654321:assumed-role/router/session"
    }
  }

  expect_failures = [
    var.model_patterns, var.profile_geographies, var.allowed_source_cidrs, var.invocation_logging, var.async_output, var.federation,
  ]
}

run "geographies_in_patterns_private_networks_and_odd_retentions_are_refused" {
  command = plan

  variables {
    model_patterns       = ["us.anthropic.*"]
    profile_geographies  = ["ca"]
    allowed_source_cidrs = ["10.0.0.0/16"]
    invocation_logging   = { retention_days = 100 }
    federation = {
      issuer_url       = "https://abc.tokens.sts.global.api.aws"
      subject_role_arn = "arn:aws-us-gov:iam::210987654321:role/router"
      audience         = "cross-partition-*"
    }
  }

  expect_failures = [var.model_patterns, var.profile_geographies, var.allowed_source_cidrs, var.invocation_logging, var.federation]
}

run "an_application_profile_needs_a_plain_name" {
  command = plan

  variables {
    application_profiles = { Search = { copy_from = "amazon.nova-lite-v1:0" } }
  }

  expect_failures = [var.application_profiles]
}

run "an_application_profile_copies_an_id" {
  command = plan

  variables {
    model_patterns       = ["*"]
    application_profiles = { search = { copy_from = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0" } }
  }

  expect_failures = [var.application_profiles]
}

run "an_application_profile_cannot_be_global" {
  command = plan

  variables {
    model_patterns       = ["*"]
    application_profiles = { search = { copy_from = "global.anthropic.claude-haiku-4-5-20251001-v1:0" } }
  }

  expect_failures = [var.application_profiles]
}

run "an_application_profile_needs_a_model_that_may_be_called" {
  command = plan

  variables {
    application_profiles = { search = { copy_from = "us.mistral.pixtral-large-2502-v1:0" } }
  }

  expect_failures = [var.application_profiles]
}

run "an_application_profile_keeps_the_tags_of_the_root" {
  command = plan

  variables {
    application_profiles = { search = { copy_from = "amazon.nova-lite-v1:0", tags = { Project = "mine" } } }
  }

  expect_failures = [var.application_profiles]
}

run "an_access_log_needs_the_bucket_it_is_about" {
  command = plan

  variables {
    invocation_logging = { destinations = ["cloudwatch"], access_log_bucket = "access-logs" }
  }

  expect_failures = [var.invocation_logging]
}

run "tags_that_differ_in_case_only_are_refused" {
  command = plan

  variables {
    tags = { Owner = "a", owner = "b" }
  }

  expect_failures = [var.tags]
}
