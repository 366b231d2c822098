#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/finding.h"

namespace sluice {

// YamlNode - one node of a YAML file with the place where it stands. We keep a tree of our own
// instead of the library's, because it keeps repeated keys and the places of keys, and wipes its
// texts (which may be secrets) when it dies.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Member;

  Kind kind = Kind::kNull;
  std::string text;                              // of a scalar
  int line = 0;                                  // from 1
  int column = 0;                                // from 1
  std::vector<std::unique_ptr<YamlNode>> items;  // of a list
  std::vector<Member> members;                   // of a map, in the order of the file

  YamlNode() = default;
  ~YamlNode();
  YamlNode(const YamlNode&) = delete;
  YamlNode& operator=(const YamlNode&) = delete;

  // "a list", "a mapping", "nothing", or the quoted text of a scalar.
  [[nodiscard]] std::string described() const;
};

struct YamlNode::Member {
  std::unique_ptr<YamlNode> key;  // a scalar
  std::unique_ptr<YamlNode> value;
};

// The one document in `text`, as a tree (kNull when there is none). Aliases are replaced by what
// they stand for; kYamlNodesMax bounds what a file may grow to that way. Faults (syntax, invalid
// UTF-8, a second document, a key that is no text, an alias inside its own anchor) carry their
// place in `file`.
inline constexpr std::size_t kYamlNodesMax = 1'000'000;
// ... of which so many may come from aliases, with so many bytes of text: a thousand accounts that
// share a list of a hundred models. Without, a file of a few lines would take gigabytes.
inline constexpr std::size_t kYamlCopiesMax = 250'000;
inline constexpr std::size_t kYamlCopiedBytesMax = std::size_t{16} << 20;
[[nodiscard]] std::expected<std::unique_ptr<YamlNode>, Finding> parse_yaml(std::string_view text,
                                                                           std::string_view file);

}  // namespace sluice
