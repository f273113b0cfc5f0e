data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  region     = data.aws_region.current.name
  account_id = data.aws_caller_identity.current.account_id

  arn_prefix = {
    for service in ["cloudwatch", "ec2", "lambda", "logs"] :
    service => "arn:${data.aws_partition.current.partition}:${service}:${local.region}:${local.account_id}"
  }

  function_arn = "${local.arn_prefix["lambda"]}:function:${var.function_name}"

  decrypting_services = concat(["dynamodb", "lambda"], [for credential in var.stored_credential[*] : "secretsmanager"])
}

# IAM is global within an account, so the name carries the region.
resource "aws_iam_role" "execution" {
  name                 = "${var.function_name}-${local.region}"
  description          = "Execution role of ${var.function_name} in ${local.region}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
}

# No aws:SourceAccount: a function can only be given a role of its own account (iam:PassRole),
# and AWS does not document that Lambda sends the key when it assumes an execution role.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "router"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

data "aws_iam_policy_document" "execution" {
  # The log group is Terraform's: the function may not create one, which would have no key and no retention.
  statement {
    sid       = "WriteOwnLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix["logs"]}:log-group:/aws/lambda/${var.function_name}:*"]
  }

  # A record is put once and completed once; nothing deletes one, and nothing reads the whole table.
  statement {
    sid       = "WriteAuditTrail"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [var.audit_table_arn]
  }

  # An index finds records; the table has all of each.
  statement {
    sid       = "FindRecords"
    actions   = ["dynamodb:Query"]
    resources = concat([var.audit_table_arn], var.audit_index_arns)
  }

  statement {
    sid       = "ReadRecords"
    actions   = ["dynamodb:BatchGetItem"]
    resources = [var.audit_table_arn]
  }

  statement {
    sid       = "SumUpUsage"
    actions   = ["dynamodb:PutItem", "dynamodb:Query"]
    resources = [var.usage_table_arn]
  }

  # The function cannot change the policy it is held to.
  statement {
    sid       = "ReadPolicy"
    actions   = ["dynamodb:GetItem"]
    resources = [var.policy_table_arn]
  }

  # Counters are added to, and never deleted: they expire.
  statement {
    sid       = "CountForLimits"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [var.limits_table_arn]
  }

  dynamic "statement" {
    for_each = var.guardrail_arn[*]

    content {
      sid       = "ScreenBeforeEgress"
      actions   = ["bedrock:ApplyGuardrail"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.stored_credential[*]

    content {
      sid       = "ReadCommercialCredential"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value.secret_arn]
    }
  }

  # A token that is good for one thing, for a minute: the exchange at the Commercial account's STS. AWS names no resource
  # for the action. Tags would need sts:TagGetWebIdentityToken, so the token says what STS knows, and nothing the code adds.
  dynamic "statement" {
    for_each = var.federation[*]

    content {
      sid       = "GetIdentityToken"
      actions   = ["sts:GetWebIdentityToken"]
      resources = ["*"]

      # A request can name up to ten audiences. ForAnyValue would be content with one of them; ForAllValues refuses every
      # other, but is true of an empty set as well, which the Null condition rules out.
      condition {
        test     = "ForAllValues:StringEquals"
        variable = "sts:IdentityTokenAudience"
        values   = [statement.value.audience]
      }

      condition {
        test     = "Null"
        variable = "sts:IdentityTokenAudience"
        values   = ["false"]
      }

      condition {
        test     = "NumericLessThanEquals"
        variable = "sts:DurationSeconds"
        values   = ["60"]
      }

      condition {
        test     = "StringEquals"
        variable = "sts:SigningAlgorithm"
        values   = ["ES384"]
      }
    }
  }

  # Lambda reads the stream in the name of the role. AWS names no resource for ListStreams, which shows names only.
  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "ReadAuditStream"
      actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
      resources = [statement.value.stream_arn]
    }
  }

  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "ListStreams"
      actions   = ["dynamodb:ListStreams"]
      resources = ["*"]
    }
  }

  # An object that is there already is another writer's, and is read to go on from it. None is deleted, none unlocked.
  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "AppendToArchive"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["${statement.value.bucket_arn}/records/*"]
    }
  }

  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "EncryptArchive"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "KeepArchiveHead"
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
      resources = [statement.value.table_arn]
    }
  }

  # The services decrypt in the name of whoever calls them, and Lambda the function's variables in the name of its role.
  # New data keys are only needed by those who create the table or put the secret's value.
  statement {
    sid       = "DecryptThroughServices"
    actions   = ["kms:Decrypt"]
    resources = concat([var.kms_key_arn], var.audit_archive[*].kms_key_arn)

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in local.decrypting_services : "${service}.${local.region}.amazonaws.com"]
    }
  }

  # In a VPC, Lambda manages the function's network interfaces in the name of its role.
  dynamic "statement" {
    for_each = var.in_vpc ? [1] : []

    content {
      sid     = "CreateNetworkInterfaces"
      actions = ["ec2:CreateNetworkInterface"]

      # A subnet may belong to the network team's account and be shared with this one.
      resources = concat(
        [for kind in ["network-interface", "security-group"] : "${local.arn_prefix["ec2"]}:${kind}/*"],
        ["arn:${data.aws_partition.current.partition}:ec2:${local.region}:*:subnet/*"],
      )
    }
  }

  dynamic "statement" {
    for_each = var.in_vpc ? [1] : []

    content {
      sid       = "ManageNetworkInterfaces"
      actions   = ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
      resources = ["${local.arn_prefix["ec2"]}:network-interface/*"]
    }
  }

  # EC2 has no resources for these two.
  dynamic "statement" {
    for_each = var.in_vpc ? [1] : []

    content {
      sid       = "DescribeNetwork"
      actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      resources = ["*"]
    }
  }

  # The key is there only where a function's code makes the call: Lambda may do all this, the code nothing of it.
  dynamic "statement" {
    for_each = var.in_vpc ? [1] : []

    content {
      sid    = "NotFromCode"
      effect = "Deny"
      actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DetachNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]

      condition {
        test     = "Null"
        variable = "lambda:SourceFunctionArn"
        values   = ["false"]
      }
    }
  }
}
