# A policy that is right, what is changed about it in each case, and what is wrong then. Members at the top are replaced.

locals {
  right = {
    version           = 1
    classifications   = { allowed = ["public", "internal"], header = "X-Data-Classification", request_metadata = "classification" }
    models            = { allow = ["amazon.nova-*", "anthropic.*"], deny = ["*opus*"] }
    destinations      = { regions = ["us-*"], global_profiles = false }
    markings          = { mode = "block", patterns = ["TOP SECRET//*", "CUI"] }
    callers           = [local.caller]
    auditors          = ["arn:aws-us-gov:iam::123456789012:role/auditor-*"]
    max_request_bytes = 4500000
    limits            = { when_unavailable = "deny" }
    guardrails        = { before_egress = local.guardrail, commercial = { identifier = "def456", version = "DRAFT" } }
    prices            = [{ models = ["amazon.nova-lite-*"], input_usd_per_million_tokens = 0.06, output_usd_per_million_tokens = 0 }]
  }
  caller = {
    name              = "analytics"
    principals        = ["arn:aws-us-gov:iam::123456789012:role/analytics-*", "*"]
    classifications   = ["public", "internal"]
    models            = ["amazon.*"]
    expires_at        = "2028-02-29"
    max_request_bytes = 100000
    limits            = { requests_per_minute = 1, requests_per_day = 5000, tokens_per_minute = 100000, tokens_per_day = 1000000000000 }
  }
  guardrail = { identifier = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123", version = "1", mode = "mask" }

  cases = {
    "nothing" = { change = {}, problems = [] }
    "only what is required, in other ways" = {
      change = {
        version           = 1.0
        classifications   = { allowed = ["public"] }
        models            = { allow = ["*"], deny = [] }
        destinations      = { regions = ["*"] }
        markings          = { mode = false }
        callers           = []
        max_request_bytes = 1
        limits            = {}
        guardrails        = {}
        prices            = [merge(local.right.prices[0], { cache_read_usd_per_million_tokens = 0.015 })]
      }
      problems = []
    }
    "other callers" = {
      change = {
        callers = [
          merge(local.caller, { principals = ["arn:*:sts::*:federated-user/a/b", "arn:aws:iam::123456789012:root"], expires_at = "2027-07-01T23:59:59Z" }),
          { name = "b", principals = ["*"], classification = "public" },
        ]
      }
      problems = []
    }
    "no document" = {
      change = { version = null, classifications = null, models = null, destinations = null, markings = null, callers = null }
      problems = [
        "callers: is required", "classifications: is required", "destinations: is required", "markings: is required", "models: is required",
        "version: is required",
      ]
    }
    "members without a value" = {
      change = {
        models     = { allow = ["*"], deny = null }
        limits     = null
        guardrails = { commercial = null }
        prices     = null
        callers = [
          { name = "a", principals = ["*"], classifications = null, models = null, expires_at = null, limits = null },
          merge(local.caller, { name = "b", limits = { tokens_per_day = null } }),
        ]
      }
      problems = [
        for path in [
          "callers[0].classifications", "callers[0].expires_at", "callers[0].limits", "callers[0].models", "callers[1].limits.tokens_per_day",
          "guardrails.commercial", "limits", "models.deny", "prices",
        ] : "${path}: has no value; leave it out, or give it one"
      ]
    }
    "empty objects" = {
      change   = { classifications = {}, models = {}, destinations = {}, markings = {}, callers = [] }
      problems = ["classifications.allowed: is required", "destinations.regions: is required", "markings.mode: is required", "models.allow: is required"]
    }
    "unknown members" = {
      change = {
        zone            = "b"
        allow           = null
        classifications = merge(local.right.classifications, { denied = [] })
        guardrails      = { before_egress = merge(local.guardrail, { Mode = "mask" }) }
        callers         = [merge(local.caller, { limits = { requests_per_hour = 1 } })]
      }
      problems = [
        "callers[0].limits: has unknown members: requests_per_hour; known are requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day",
        "classifications: has unknown members: denied; known are allowed, header, request_metadata",
        "guardrails.before_egress: has unknown members: Mode; known are identifier, version, mode",
        "policy: has unknown members: allow, zone; known are version, classifications, models, destinations, markings, callers, auditors, max_request_bytes, limits, guardrails, prices",
      ]
    }
    "objects and lists for each other" = {
      change = { classifications = ["public"], models = "*", callers = {}, prices = [null, []], limits = 3, guardrails = { commercial = true } }
      problems = [
        "callers: must be a list", "classifications: must be an object", "guardrails.commercial: must be an object", "limits: must be an object",
        "models: must be an object", "prices[0]: must be an object", "prices[1]: must be an object",
      ]
    }
    "lists that are text, or empty" = {
      change = {
        models       = { allow = [], deny = "*opus*" }
        destinations = { regions = [] }
        markings     = { mode = "report", patterns = [] }
        callers      = [merge(local.caller, { principals = [], classifications = [], models = [] })]
        prices       = [merge(local.right.prices[0], { models = {} }), merge(local.right.prices[0], { models = [] })]
      }
      problems = [
        "callers[0].classifications: must not be empty", "callers[0].models: must not be empty", "callers[0].principals: must not be empty",
        "destinations.regions: must not be empty", "markings.patterns: must not be empty", "models.allow: must not be empty",
        "models.deny: must be a list", "prices[0].models: must be a list", "prices[1].models: must not be empty",
      ]
    }
    "no label may cross" = {
      change   = { classifications = { allowed = [], header = "X-Data-Classification" }, callers = [] }
      problems = ["classifications.allowed: must not be empty"]
    }
    "version as text" = { change = { version = "1" }, problems = ["version: must be 1"] }
    "labels" = {
      change = { classifications = merge(local.right.classifications, { allowed = ["public", "internal", "Secret", "-a", 1, null, "ü", "a\nb", join("", [for _ in range(65) : "a"])] }) }
      problems = [
        for position in [2, 3, 4, 5, 6, 7, 8] : "classifications.allowed[${position}]: must be a label: up to 64 lower-case letters, digits and ._-"
      ]
    }
    "a header of AWS, a key of ours" = {
      change = { classifications = { allowed = ["public", "internal"], header = "X-AMZ-Label", request_metadata = "auditId" } }
      problems = [
        "callers[0].classification: is required, as classifications names neither header nor request_metadata",
        "classifications.header: must be the name of a header of your own, such as X-Data-Classification",
        "classifications.request_metadata: must be up to 64 letters, digits and _-, and not auditId",
      ]
    }
    "a header that crosses" = {
      change   = { classifications = merge(local.right.classifications, { header = "Anthropic-Beta" }) }
      problems = ["classifications.header: must be the name of a header of your own, such as X-Data-Classification"]
    }
    "a header of HTTP" = {
      change   = { classifications = merge(local.right.classifications, { header = "HOST" }) }
      problems = ["classifications.header: must be the name of a header of your own, such as X-Data-Classification"]
    }
    "a header that is none" = {
      change = { classifications = merge(local.right.classifications, { header = "X Data", request_metadata = "a.b" }) }
      problems = [
        "callers[0].classification: is required, as classifications names neither header nor request_metadata",
        "classifications.header: must be the name of a header of your own, such as X-Data-Classification",
        "classifications.request_metadata: must be up to 64 letters, digits and _-, and not auditId",
      ]
    }
    "patterns" = {
      change = {
        models       = { allow = ["amazon nova"], deny = [""] }
        destinations = { regions = ["US-*"], global_profiles = "false" }
        callers      = [merge(local.caller, { models = ["a", "a?"] })]
      }
      problems = [
        "callers[0].models[1]: must be a pattern of model ids: letters, digits and .:/_-*",
        "destinations.global_profiles: must be true or false",
        "destinations.regions[0]: must be a pattern of regions, such as us-*",
        "models.allow[0]: must be a pattern of model ids: letters, digits and .:/_-*",
        "models.deny[0]: must be a pattern of model ids: letters, digits and .:/_-*",
      ]
    }
    "markings" = {
      change = { markings = { mode = "on", patterns = ["C//*", "secret", "A*B", " CUI", "CUI ", "*", "<&1>\"\\", "<B>", "&AMP;", "<!-- <B>*", "<B>X"] } }
      problems = concat(
        ["markings.mode: must be off, report or block"],
        [
          for position in [1, 2, 3, 4, 5, 7, 8, 9] :
          "markings.patterns[${position}]: must be a marking in capitals, such as SECRET//*: up to 64 characters, * at the end only"
        ],
      )
    }
    "markings without patterns" = { change = { markings = { mode = "report" } }, problems = ["markings.patterns: is required"] }
    "numbers" = {
      change = {
        max_request_bytes = 4500001
        callers = [merge(local.caller, {
          max_request_bytes = 0
          limits            = { requests_per_minute = 1000000000001, requests_per_day = 0.5, tokens_per_minute = "1", tokens_per_day = true }
        })]
        prices = [merge(
          { models = ["a"], input_usd_per_million_tokens = -1, output_usd_per_million_tokens = "1" },
          { cache_read_usd_per_million_tokens = 1000000.5, cache_write_usd_per_million_tokens = [] },
        )]
      }
      problems = concat(
        [
          for name in ["requests_per_day", "requests_per_minute", "tokens_per_day", "tokens_per_minute"] :
          "callers[0].limits.${name}: must be a whole number from 1 to 1000000000000"
        ],
        [
          "callers[0].max_request_bytes: must be a whole number from 1 to 4500000",
          "max_request_bytes: must be a whole number from 1 to 4500000",
          "prices[0].cache_read_usd_per_million_tokens: must be a number from 0 to 1000000",
          "prices[0].cache_write_usd_per_million_tokens: must be a number from 0 to 1000000",
          "prices[0].input_usd_per_million_tokens: must be a number from 0 to 1000000",
          "prices[0].output_usd_per_million_tokens: must be a number from 0 to 1000000",
        ],
      )
    }
    "guardrails" = {
      change = {
        limits     = { when_unavailable = "Deny" }
        guardrails = { before_egress = { identifier = "ABC", version = 1, mode = "block" }, commercial = { identifier = "a-b", version = "0" } }
      }
      problems = [
        "guardrails.before_egress.identifier: must be the id or ARN of a guardrail",
        "guardrails.before_egress.mode: must be screen or mask",
        "guardrails.before_egress.version: must be a version such as \"1\", or DRAFT",
        "guardrails.commercial.identifier: must be the id or ARN of a guardrail",
        "guardrails.commercial.version: must be a version such as \"1\", or DRAFT",
        "limits.when_unavailable: must be deny or allow",
      ]
    }
    "guardrails without what they need" = {
      change = { guardrails = { before_egress = {}, commercial = {} } }
      problems = [
        "guardrails.before_egress.identifier: is required", "guardrails.before_egress.mode: is required",
        "guardrails.before_egress.version: is required", "guardrails.commercial.identifier: is required",
        "guardrails.commercial.version: is required",
      ]
    }
    "callers that are none" = {
      change   = { callers = ["analytics", {}] }
      problems = ["callers[0]: must be an object", "callers[1].name: is required", "callers[1].principals: is required"]
    }
    "names" = {
      change = { callers = [for name in ["a", "A", "b", "a", "-", "a"] : merge(local.caller, { name = name })] }
      problems = [
        "callers[1].name: must be up to 48 lower-case letters, digits and -",
        "callers[3].name: is the name of an earlier entry",
        "callers[4].name: must be up to 48 lower-case letters, digits and -",
        "callers[5].name: is the name of an earlier entry",
      ]
    }
    "principals" = {
      change = {
        callers = [merge(local.caller, {
          principals = [
            "**", "arn:aws-us-gov:iam::123456789012:role/path/name", "arn:aws-us-gov:sts::123456789012:assumed-role/name/session",
            "arn:aws-cn:iam::123456789012:root", "arn:aws:iam::1:root", "arn:aws:sts::123456789012:role/name",
            "arn:aws:sts::123456789012:user/name", "arn:aws:sts::123456789012:root", "arn:aws:iam::123456789012:federated-user/name", "arn:aws:iam::123456789012:user/path/name",
          ]
        })]
      }
      problems = [
        for position in range(9) :
        "callers[0].principals[${position}]: must be \"*\" or the ARN of a role (without its path), user, federated user or root, with * for any text"
      ]
    }
    "labels of callers" = {
      change = {
        callers = [
          merge(local.caller, { classification = "secret" }),
          merge(local.caller, { name = "b", classifications = ["public", "Secret", "secret"] }),
        ]
      }
      problems = [
        "callers[0].classification: is not one of classifications.allowed",
        "callers[0].classifications: must not be given beside classification",
        "callers[1].classifications[1]: must be a label: up to 64 lower-case letters, digits and ._-",
        "callers[1].classifications[2]: is not one of classifications.allowed",
      ]
    }
    "moments" = {
      change = {
        callers = [
          for position, moment in ["2027-02-29", "2027-7-1", "2027-07-01T12:00:00", "2027-07-01T24:00:00Z", "2027-07-01T12:00:00+02:00", "0000-01-01", 2027, true] :
          merge(local.caller, { name = "a${position}", expires_at = moment })
        ]
      }
      problems = [for position in range(8) : "callers[${position}].expires_at: must be a date such as 2027-07-01 or a moment such as 2027-07-01T12:00:00Z"]
    }
    "prices without what they need" = {
      change = { prices = [{}] }
      problems = [
        "prices[0].input_usd_per_million_tokens: is required", "prices[0].models: is required", "prices[0].output_usd_per_million_tokens: is required",
      ]
    }
    # Terraform's own functions stop at 1024 of some things.
    "many callers, the last one wrong" = {
      change   = { callers = concat([for position in range(1024) : { name = "a${position}", principals = ["*"] }], [{ name = "a0", principals = ["*"] }]) }
      problems = ["callers[1024].name: is the name of an earlier entry"]
    }
  }
}
