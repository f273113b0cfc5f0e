# A wrong document holds anything anywhere. HCL stops at a type that does not fit, so a value is looked at as JSON text,
# whose first character tells what it is, and is decoded only as that. There is no recursion either: every object that a
# policy can have is looked up where it would be.

locals {
  policy = yamldecode(var.document)
  json   = jsonencode(local.policy)

  # The two lists of objects, each object as JSON.
  lists = {
    for name in ["callers", "prices"] : name => [
      for item in jsondecode(startswith(try(jsonencode(local.policy[name]), ""), "[") ? jsonencode(local.policy[name]) : "[]") : jsonencode(item)
    ]
  }

  objects_as_json = concat(
    [{ path = "", shape = "policy", json = local.json }],
    [
      for object in concat(
        [
          for name in ["classifications", "models", "destinations", "markings", "limits", "guardrails"] :
          { path = name, shape = name, json = try(jsonencode(local.policy[name]), "null") }
        ],
        [
          for name in ["before_egress", "commercial"] :
          { path = "guardrails.${name}", shape = name, json = try(jsonencode(local.policy.guardrails[name]), "null") }
        ],
        [
          for position, caller in local.lists.callers :
          { path = "callers[${position}].limits", shape = "caller_limits", json = try(jsonencode(jsondecode(caller).limits), "null") }
        ],
      ) : object if object.json != "null"
    ],
    [for position, caller in local.lists.callers : { path = "callers[${position}]", shape = "caller", json = caller }],
    [for position, price in local.lists.prices : { path = "prices[${position}]", shape = "price", json = price }],
  )

  objects = [
    for object in [
      for object in local.objects_as_json : merge(object, {
        members = { for name, value in jsondecode(startswith(object.json, "{") ? object.json : "{}") : name => jsonencode(value) }
      })
    ] : merge(object, { unknown = setsubtract(keys(object.members), local.shapes[object.shape][*].name) })
  ]

  # Every member that these objects can have.
  members = flatten([
    for object in local.objects : [
      for member in local.shapes[object.shape] : {
        path        = object.path == "" ? member.name : "${object.path}.${member.name}"
        is          = member.is
        json        = lookup(object.members, member.name, "null")
        is_required = try(member.required, false) && startswith(object.json, "{")
        is_null     = lookup(object.members, member.name, "") == "null"
        is_list     = can(member.list)
        is_filled   = try(member.list, "") == "filled"
      }
    ]
  ])
  given = { for member in local.members : member.path => member if member.json != "null" }

  # What the rules are for. A string is shown as 'string, so that "1" differs from 1.
  values = {
    for value in concat(
      [for path, member in local.given : { path = path, is = member.is, json = member.json } if member.is != "object" && !member.is_list],
      flatten([
        for path, member in local.given : [
          for position, item in jsondecode(startswith(member.json, "[") ? member.json : "[]") :
          { path = "${path}[${position}]", is = member.is, json = jsonencode(item) }
        ] if member.is != "object" && member.is_list
      ]),
    ) : value.path => { is = value.is, text = startswith(value.json, "\"") ? "'${jsondecode(value.json)}" : value.json }
  }

  # One search for each rule and not one for each value: a pattern takes long to compile. Each value is a line; one that holds
  # a line's end becomes several, but no pattern matches it as a whole.
  lines = { for value in values(local.values) : value.is => value.text... }
  matches = {
    for rule, lines in local.lines : rule => { for groups in regexall("(?m)^(${local.rules[rule].pattern})$", join("\n", lines)) : groups[0] => rule... }
  }

  # What RE2, which has no lookahead, cannot say; and the calendar, which Terraform knows where it has to count.
  exceptions = merge({ for rule in keys(local.rules) : rule => [] }, {
    # Those that cross or mean something to HTTP or SigV4.
    header = [
      for text in keys(try(local.matches.header, {})) : text if can(regex("(?i)^'(?:(?:x-amz|x-forwarded-|anthropic-|openai-|accept|content-)|(?:authorization|connection|cookie|date|expect|host|te|trailer|transfer-encoding|upgrade|user-agent|via)$)", text))
    ]
    metadata_key = ["'auditId"]
    marking = [
      for text in keys(try(local.matches.marking, {})) : text
      if !can(regex("[A-Z0-9]", text)) || can(regex("^'${local.decoration}$", text))
    ]
    moment = [
      for text in keys(try(local.matches.moment, {})) : text
      if startswith(text, "'0000") || !can(timeadd("${substr(text, 1, 10)}T${length(text) == 11 ? "00:00:00" : substr(text, 12, 8)}Z", "0s"))
    ]
  })

  # Mark-up in front of a marking is passed over (lambda_src/inference_proxy/markings.py), so a pattern has to be more than that.
  decoration = "([\\s>*#_~=|\"'`+-]|</?[A-Za-z][^<>]*>|&[A-Za-z]{2,8};|<!--|/[/*]+|[;%]+\\s)*"

  # What is right, as it is meant: without the apostrophe.
  right = {
    for path, value in local.values : path => trimprefix(value.text, "'")
    if can(local.matches[value.is][value.text]) && !contains(local.exceptions[value.is], value.text)
  }
}
