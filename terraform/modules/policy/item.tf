# How the router finds it: the item "boundary", as text or, where that would not fit into the 400 KB of an item, as bytes of gzip.

locals {
  is_compressed   = length(local.json) > 300000
  stored_document = { for type in [local.is_compressed ? "B" : "S"] : type => local.is_compressed ? base64gzip(local.json) : local.json }
}
