# What a policy may hold. The router checks the same when it reads the policy (lambda_src/inference_proxy/policy_parser.py), in
# the same words.

locals {
  # Members of each object, in the order in which problems list them: what they are (an object of the policy, or a rule
  # below), whether they are required, and for a list whether it may be empty ("any") or not ("filled").
  shapes = {
    policy = [
      { name = "version", is = "version", required = true },
      { name = "classifications", is = "object", required = true },
      { name = "models", is = "object", required = true },
      { name = "destinations", is = "object", required = true },
      { name = "markings", is = "object", required = true },
      { name = "callers", is = "object", required = true, list = "any" },
      { name = "auditors", is = "principal", list = "any" },
      { name = "max_request_bytes", is = "request_bytes" },
      { name = "limits", is = "object" },
      { name = "guardrails", is = "object" },
      { name = "prices", is = "object", list = "any" },
    ]
    classifications = [
      { name = "allowed", is = "label", required = true, list = "filled" },
      { name = "header", is = "header" },
      { name = "request_metadata", is = "metadata_key" },
    ]
    models = [
      { name = "allow", is = "model_pattern", required = true, list = "filled" },
      { name = "deny", is = "model_pattern", list = "any" },
    ]
    destinations = [
      { name = "regions", is = "region_pattern", required = true, list = "filled" },
      { name = "global_profiles", is = "boolean" },
    ]
    # The patterns are required unless the mode is off: checks.tf.
    markings = [
      { name = "mode", is = "marking_mode", required = true },
      { name = "patterns", is = "marking", list = "filled" },
    ]
    limits = [
      { name = "when_unavailable", is = "deny_or_allow" },
    ]
    guardrails = [
      { name = "before_egress", is = "object" },
      { name = "commercial", is = "object" },
    ]
    before_egress = [
      { name = "identifier", is = "guardrail", required = true },
      { name = "version", is = "guardrail_version", required = true },
      { name = "mode", is = "guardrail_mode", required = true },
    ]
    commercial = [
      { name = "identifier", is = "guardrail", required = true },
      { name = "version", is = "guardrail_version", required = true },
    ]
    caller = [
      { name = "name", is = "caller_name", required = true },
      { name = "principals", is = "principal", required = true, list = "filled" },
      { name = "classification", is = "label" },
      { name = "classifications", is = "label", list = "filled" },
      { name = "models", is = "model_pattern", list = "filled" },
      { name = "expires_at", is = "moment" },
      { name = "max_request_bytes", is = "request_bytes" },
      { name = "limits", is = "object" },
    ]
    caller_limits = [
      { name = "requests_per_minute", is = "amount" },
      { name = "requests_per_day", is = "amount" },
      { name = "tokens_per_minute", is = "amount" },
      { name = "tokens_per_day", is = "amount" },
    ]
    price = [
      { name = "models", is = "model_pattern", required = true, list = "filled" },
      { name = "input_usd_per_million_tokens", is = "price", required = true },
      { name = "output_usd_per_million_tokens", is = "price", required = true },
      { name = "cache_read_usd_per_million_tokens", is = "price" },
      { name = "cache_write_usd_per_million_tokens", is = "price" },
    ]
  }

  # Values are compared as JSON, strings as 'string: the apostrophe tells "1" from 1. Some rules have exceptions: checks.tf.
  rules = {
    version = {
      pattern = "1"
      must_be = "1"
    }
    boolean = {
      pattern = "true|false"
      must_be = "true or false"
    }
    label = {
      pattern = "'[a-z0-9][a-z0-9._-]{0,63}"
      must_be = "a label: up to 64 lower-case letters, digits and ._-"
    }
    header = {
      pattern = "'[A-Za-z][A-Za-z0-9-]{0,63}"
      must_be = "the name of a header of your own, such as X-Data-Classification"
    }
    metadata_key = {
      pattern = "'[A-Za-z0-9_-]{1,64}"
      must_be = "up to 64 letters, digits and _-, and not auditId"
    }
    model_pattern = {
      pattern = "'[A-Za-z0-9.:/_*-]{1,256}"
      must_be = "a pattern of model ids: letters, digits and .:/_-*"
    }
    region_pattern = {
      pattern = "'[a-z0-9*-]{1,32}"
      must_be = "a pattern of regions, such as us-*"
    }
    # YAML 1.1 reads an unquoted off as false.
    marking_mode = {
      pattern = "'(off|report|block)|false"
      must_be = "off, report or block"
    }
    # Printable ASCII without small letters, no blank at an end, * at the end only; one capital or digit, and more than mark-up (checks.tf).
    marking = {
      pattern = "'[!-)+-`{-~]([ -)+-`{-~]{0,62}[!-)+-`{-~])?\\*?"
      must_be = "a marking in capitals, such as SECRET//*: up to 64 characters, * at the end only"
    }
    request_bytes = {
      pattern = "[1-9][0-9]{0,5}|[1-3][0-9]{6}|4[0-4][0-9]{5}|4500000"
      must_be = "a whole number from 1 to 4500000"
    }
    amount = {
      pattern = "[1-9][0-9]{0,11}|1000000000000"
      must_be = "a whole number from 1 to 1000000000000"
    }
    price = {
      pattern = "-0|[0-9]{1,6}(\\.[0-9]+)?|1000000"
      must_be = "a number from 0 to 1000000"
    }
    deny_or_allow = {
      pattern = "'(deny|allow)"
      must_be = "deny or allow"
    }
    guardrail = {
      pattern = "'([a-z0-9]{1,64}|arn:aws(-us-gov)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]{1,64})"
      must_be = "the id or ARN of a guardrail"
    }
    guardrail_version = {
      pattern = "'([1-9][0-9]{0,7}|DRAFT)"
      must_be = "a version such as \"1\", or DRAFT"
    }
    guardrail_mode = {
      pattern = "'(screen|mask)"
      must_be = "screen or mask"
    }
    caller_name = {
      pattern = "'[a-z0-9][a-z0-9-]{0,47}"
      must_be = "up to 48 lower-case letters, digits and -"
    }
    principal = {
      pattern = "'(\\*|arn:(aws|aws-us-gov|\\*):(iam::([0-9]{12}|\\*):(root|role/[A-Za-z0-9+=,.@_*-]{1,128}|user/[A-Za-z0-9+=,.@_/*-]{1,512})|sts::([0-9]{12}|\\*):federated-user/[A-Za-z0-9+=,.@_/*-]{1,512}))"
      must_be = "\"*\" or the ARN of a role (without its path), user, federated user or root, with * for any text"
    }
    # YAML makes a moment of an unquoted date.
    moment = {
      pattern = "'[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?"
      must_be = "a date such as 2027-07-01 or a moment such as 2027-07-01T12:00:00Z"
    }
  }
}
