#include "engine/config/yaml_tree.h"

#include <fmt/format.h>
#include <strings.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <map>
#include <optional>
#include <streambuf>

#include "base/arena.h"
#include "base/utf8.h"
#include "parser/json_probe.h"

namespace sluice {
namespace {

using NodePtr = std::unique_ptr<YamlNode>;

// Fault - thrown out of the library's parser, caught in parse_yaml.
struct Fault {
  int line;
  int column;
  std::string message;
};

// TreeBuilder - makes the tree of the parser's events. A map under construction keeps its keys and
// values alternately in `items`.
class TreeBuilder final : public YAML::EventHandler {
 public:
  NodePtr take_root() { return root_ ? std::move(root_) : std::make_unique<YamlNode>(); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) fail(mark, "a second document; one file is one configuration");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    place(make(mark, YamlNode::Kind::kNull), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) fail(mark, "an alias inside the node that it stands for");
    NodePtr copy = copied(*found->second, mark, open_.size());
    copy->line = mark.line + 1;
    copy->column = mark.column + 1;
    place(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    NodePtr node = make(mark, YamlNode::Kind::kScalar);
    node->text = value;
    place(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::kList, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::kMap, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    NodePtr node;
    YAML::anchor_t anchor;
  };

  [[noreturn]] static void fail(const YAML::Mark& mark, std::string message) {
    throw Fault{mark.line + 1, mark.column + 1, std::move(message)};
  }

  NodePtr make(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++nodes_ > kYamlNodesMax) fail(mark, fmt::format("more than {} nodes", kYamlNodesMax));
    auto node = std::make_unique<YamlNode>();
    node->kind = kind;
    node->line = mark.line + 1;
    node->column = mark.column + 1;
    return node;
  }

  // Nesting is bounded because the tree is copied and freed by recursion.
  static void check_depth(const YAML::Mark& mark, std::size_t depth) {
    constexpr std::size_t kDepthMax = 64;
    if (depth >= kDepthMax) fail(mark, fmt::format("nested deeper than {} levels", kDepthMax));
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    check_depth(mark, open_.size());
    open_.push_back({make(mark, kind), anchor});
  }

  NodePtr copied(const YamlNode& node, const YAML::Mark& at, std::size_t depth) {
    check_depth(at, depth);
    if (++copies_ > kYamlCopiesMax)
      fail(at, fmt::format("with this alias, aliases stand for more than {} nodes; write less with "
                           "them",
                           kYamlCopiesMax));
    copied_bytes_ += node.text.size();
    if (copied_bytes_ > kYamlCopiedBytesMax)
      fail(at,
           fmt::format("with this alias, aliases stand for more than {} MiB of text; write less "
                       "with them",
                       kYamlCopiedBytesMax >> 20));
    NodePtr copy = make(at, node.kind);
    copy->line = node.line;
    copy->column = node.column;
    copy->text = node.text;
    for (const NodePtr& item : node.items) copy->items.push_back(copied(*item, at, depth + 1));
    for (const YamlNode::Member& member : node.members)
      copy->members.push_back(
          {copied(*member.key, at, depth + 1), copied(*member.value, at, depth + 1)});
    return copy;
  }

  // A finished node goes into the innermost open one. An anchor may be given anew: the last counts.
  void place(NodePtr node, YAML::anchor_t anchor) {
    if (anchor != 0) anchored_[anchor] = node.get();
    if (open_.empty()) root_ = std::move(node);
    else open_.back().node->items.push_back(std::move(node));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    YamlNode& node = *done.node;
    if (node.kind == YamlNode::Kind::kMap) {
      for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        const YamlNode& key = *node.items[i];
        if (key.kind != YamlNode::Kind::kScalar)
          throw Fault{key.line, key.column,
                      fmt::format("{} as a key; a key is a text", key.described())};
        YamlNode& value = *node.items[i + 1];
        if (value.kind == YamlNode::Kind::kNull) {  // stands nowhere: the parser tells what follows
          value.line = key.line;
          value.column = key.column;
        }
        node.members.push_back({std::move(node.items[i]), std::move(node.items[i + 1])});
      }
      node.items.clear();
    }
    place(std::move(done.node), done.anchor);
  }

  NodePtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, const YamlNode*> anchored_;
  std::size_t nodes_ = 0;
  std::size_t copies_ = 0;  // of these, and the bytes of their texts
  std::size_t copied_bytes_ = 0;
  int documents_ = 0;
};

// ViewBuffer - lets a stream read from bytes that stay where they are.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    char* const begin = const_cast<char*>(bytes.data());  // never written: no put area
    setg(begin, begin, begin + bytes.size());
  }
};

// What the parser would misread without a word: it guesses UTF-16 and replaces invalid bytes.
std::optional<Fault> unreadable_byte(std::string_view text) {
  std::size_t at = find_invalid_utf8(text);
  const std::size_t nul = text.find('\0');
  const bool is_nul = nul < at;
  if (is_nul) at = nul;
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0
  const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  return Fault{line, static_cast<int>(at - line_start) + 1,
               is_nul ? "a NUL byte" : "bytes that are no UTF-8"};
}

constexpr std::size_t kEscapeBytes = 6;  // \uXXXX

// The code unit of the escape that `text` begins with.
std::optional<std::uint32_t> escaped_unit(std::string_view text) {
  if (text.size() < kEscapeBytes || !text.starts_with("\\u")) return std::nullopt;
  std::uint32_t unit = 0;
  const char* const end = text.data() + kEscapeBytes;
  const auto read = std::from_chars(text.data() + 2, end, unit, 16);
  return read.ptr == end ? std::optional(unit) : std::nullopt;
}

// The code point of the two escapes that `text` begins with.
std::optional<std::uint32_t> escaped_pair(std::string_view text) {
  const auto high = escaped_unit(text);
  if (!high || *high < 0xd800 || *high > 0xdbff) return std::nullopt;
  const auto low = escaped_unit(text.substr(kEscapeBytes));
  if (!low || *low < 0xdc00 || *low > 0xdfff) return std::nullopt;
  return 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00);
}

bool is_json(std::string_view text) {
  BlockPool pool;
  Arena arena(pool);
  RequestProbe probe;
  ProbeFault fault;
  return JsonProber().probe(text, arena, probe, fault);
}

// JSON escapes what is beyond U+FFFF as two surrogates (RFC 8259 section 7), YAML as one \U. ""
// when `text` has none to join, or is no JSON: a backslash may be just that there.
std::string joined_surrogates(std::string_view text) {
  std::string out;
  std::size_t taken = 0;
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    const auto point = escaped_pair(text.substr(at));
    if (!point) {
      at += 2;
      continue;
    }
    if (taken == 0 && !is_json(text)) return {};
    out.reserve(text.size());  // never longer: what holds keys is not left behind by growing
    out.append(text, taken, at - taken);
    out += fmt::format("\\U{:08x}", *point);
    taken = at += 2 * kEscapeBytes;
  }
  if (taken != 0) out.append(text, taken);
  return out;
}

// The parser stumbles over a tab in the indentation somewhere behind it and says something else.
std::optional<Fault> tab_in_indentation(std::string_view text, int line) {
  for (int at = 1; at < line; ++at) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  const std::size_t tab = text.find('\t');
  if (tab == std::string_view::npos || text.find_first_not_of(' ') != tab) return std::nullopt;
  return Fault{line, static_cast<int>(tab) + 1, "a tab as indentation; YAML indents with spaces"};
}

// Erased when it goes: there may be keys in it.
struct ErasedText {
  std::string text;
  ~ErasedText() { explicit_bzero(text.data(), text.size()); }
};

}  // namespace

YamlNode::~YamlNode() { explicit_bzero(text.data(), text.size()); }

std::string YamlNode::described() const {
  switch (kind) {
    case Kind::kNull: return "nothing";
    case Kind::kScalar: return fmt::format("\"{}\"", text);
    case Kind::kList: return "a list";
    case Kind::kMap: return "a mapping";
  }
  return "";
}

std::expected<NodePtr, Finding> parse_yaml(std::string_view text, std::string_view file) {
  const auto finding = [&](int line, int column, std::string message) {
    const Place place{Place::Kind::kFile, std::string(file), line, column};
    return std::unexpected(Finding{place, std::move(message)});
  };
  if (const auto fault = unreadable_byte(text))
    return finding(fault->line, fault->column, fault->message);
  TreeBuilder builder;
  const ErasedText joined{joined_surrogates(text)};
  try {
    ViewBuffer buffer(joined.text.empty() ? text : joined.text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Fault& fault) {
    return finding(fault.line, fault.column, fault.message);
  } catch (const YAML::Exception& fault) {
    if (const auto tab = tab_in_indentation(text, fault.mark.line + 1))
      return finding(tab->line, tab->column, tab->message);
    return finding(fault.mark.line + 1, fault.mark.column + 1, "not valid YAML: " + fault.msg);
  }
  return builder.take_root();
}

}  // namespace sluice
