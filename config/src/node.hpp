// A YAML value that knows where it stands in its source: what the validation walks over.
//
// Duplicate keys, tags, merge keys and keys that aren't text never get here; aliases are replaced
// by what they stand for (children are shared, so that costs nothing). A value about which
// something was already reported is marked invalid, and the validation says nothing more about it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace simul::config {

struct Member;

struct Node {
  enum class Kind { null, scalar, sequence, map };

  Kind kind = Kind::null;
  std::size_t offset = 0;  ///< of its first character; of the alias, if it came through one
  bool plain = false;      ///< a scalar without quotes
  bool invalid = false;
  std::string text;                                    ///< of a scalar
  std::shared_ptr<const std::vector<Node>> items;      ///< of a sequence, never null
  std::shared_ptr<const std::vector<Member>> members;  ///< of a map, never null
};

struct Member {
  std::string key;
  std::size_t key_offset = 0;
  Node value;
};

}  // namespace simul::config
