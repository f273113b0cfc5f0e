locals {
  problems = sort(concat(
    local.wrong_objects, local.wrong_members, local.wrong_values, local.wrong_labels, local.wrong_names, local.wrong_callers,
    local.wrong_markings, local.wrong_doubles, local.wrong_spellings, local.wrong_size,
  ))

  wrong_objects = concat(
    [for object in local.objects : "${coalesce(object.path, "policy")}: must be an object" if !startswith(object.json, "{")],
    [
      for object in local.objects :
      "${coalesce(object.path, "policy")}: has unknown members: ${join(", ", object.unknown)}; known are ${join(", ", local.shapes[object.shape][*].name)}"
      if length(object.unknown) > 0
    ],
  )

  wrong_members = concat(
    [for member in local.members : "${member.path}: is required" if member.is_required && member.json == "null"],
    # Most of them restrict: without a value they would restrict nothing.
    [for member in local.members : "${member.path}: has no value; leave it out, or give it one" if member.is_null && !member.is_required],
    [for path, member in local.given : "${path}: must be a list" if member.is_list && !startswith(member.json, "[")],
    [for path, member in local.given : "${path}: must not be empty" if member.is_filled && member.json == "[]"],
  )

  wrong_values = [for path, value in local.values : "${path}: must be ${local.rules[value.is].must_be}" if !can(local.right[path])]

  # The labels of callers are among those that may cross at all.
  allowed_labels = toset([for path, label in local.right : label if startswith(path, "classifications.allowed[")])
  wrong_labels = [
    for path, value in local.values : "${path}: is not one of classifications.allowed"
    if value.is == "label" && startswith(path, "callers[") && try(!contains(local.allowed_labels, local.right[path]), false)
  ]

  positions_by_name = {
    for position, _ in local.lists.callers : local.right["callers[${position}].name"] => position... if can(local.right["callers[${position}].name"])
  }
  wrong_names = flatten([
    for name, positions in local.positions_by_name : [
      for position in slice(positions, 1, length(positions)) : "callers[${position}].name: is the name of an earlier entry"
    ]
  ])

  # Where no request can declare its label, each entry says what its requests are.
  labels_can_be_declared = can(local.right["classifications.header"]) || can(local.right["classifications.request_metadata"])
  wrong_callers = concat(
    [
      for position, _ in local.lists.callers : "callers[${position}].classifications: must not be given beside classification"
      if can(local.given["callers[${position}].classification"]) && can(local.given["callers[${position}].classifications"])
    ],
    [
      for position, _ in local.lists.callers :
      "callers[${position}].classification: is required, as classifications names neither header nor request_metadata"
      if !local.labels_can_be_declared && !contains(local.allowed_labels, try(local.right["callers[${position}].classification"], ""))
    ],
  )

  wrong_markings = [
    for mode in [try(local.right["markings.mode"], "unknown")] : "markings.patterns: is required"
    if can(local.given["markings.mode"]) && !can(local.given["markings.patterns"]) && !contains(["off", "false"], mode)
  ]

  # YAML and JSON keep the last of two members with one name, in silence: a second `deny` would undo the first. So a name may stand
  # in the text, comments aside, as often as in what was made of it. No value of a policy looks like a member.
  text = replace(var.document, "/(?m)(\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*')|(^|\\s)#.*$/", "$1$2")
  wrong_doubles = [
    for name in distinct(flatten([for shape in local.shapes : shape[*].name])) : "policy: an object names a member twice: ${name}"
    if length(regexall("(?m)(?:^|[\\s{,])[\"']?${name}[\"']?[ \t]*:", local.text)) > length(regexall("\"${name}\":", local.json))
  ]

  unquoted = replace(local.text, "/\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'/", "''")

  # How a name or a number may be spelled so that it is not found there, or readers of YAML take it differently: `010` is 8 or 10.
  numbers = distinct(flatten([
    for shape in local.shapes : [for member in shape : member.name if contains(["version", "request_bytes", "amount", "price"], member.is)]
  ]))
  wrong_spellings = concat(
    # YAML ends a line at some of these, and people see none of them.
    [
      for problem in ["policy: has characters that cannot be seen; end lines with LF or CRLF, and indent with blanks"] : problem
      if can(regex("[^\\P{C}\\t\\n]|[\\p{Zl}\\p{Zp}]", replace(var.document, "\r\n", "\n")))
    ],
    # What was taken for a comment, and is none, would hide that something stands twice.
    [
      for problem in ["policy: values and comments cannot be told apart; put values with # or quotes between quotes"] : problem
      if try(jsonencode(yamldecode(local.text)), "") != local.json
    ],
    [
      for problem in ["policy: an object names a member with ? or an escape; write its name"] : problem
      if can(regex("(?m)(?:^|[\\s{,\\[])\\?", local.unquoted)) || can(regex("\"[^\"\\n]*\\\\[^\"\\n]*\"[ \t]*:", local.text))
    ],
    # What stands once and is read twice hides that something else stands twice.
    [
      for problem in ["policy: has an anchor (&); write out what it is for"] : problem
      if can(regex("(?m)(?:^|[\\s{,\\[])&[^\\s]", local.unquoted))
    ],
    [
      for name in local.numbers : "policy: a number begins with 0: ${name}"
      if can(regex("${name}[\"']?[ \t]*:\\s*[+-]?0[0-9A-Za-z_]", local.text))
    ],
  )

  wrong_size = [
    for text in values(local.stored_document) :
    "policy: is too large: ${length(local.json)} characters of JSON, ${length(text)} compressed, and 390000 have room" if length(text) > 390000
  ]
}
