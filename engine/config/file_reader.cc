#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

#include "engine/config/reader.h"
#include "engine/config/redact.h"
#include "engine/config/suggest.h"

namespace sluice {
namespace {

std::string_view kind_words(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull: return "nothing";
    case YamlNode::Kind::kScalar: return "a text";
    case YamlNode::Kind::kList: return "a list";
    case YamlNode::Kind::kMap: return "a mapping";
  }
  return "";
}

std::string wrong_kind(const std::string& path, const YamlNode& node, std::string_view expected) {
  return fmt::format("{}: {} is not accepted here; expected {}", path, kind_words(node.kind),
                     expected);
}

std::string path_words(const std::string& path) { return path.empty() ? "the top level" : path; }

}  // namespace

std::string quoted_value(std::string_view text) {
  constexpr std::size_t kShownBytesMax = 80;
  const std::string clean = without_userinfo(text);
  std::string out = "\"";
  for (const char c : std::string_view(clean).substr(0, kShownBytesMax)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else out += c;
  }
  return out + (clean.size() > kShownBytesMax ? "...\"" : "\"");
}

std::string problem_text(std::string_view value, std::string_view problem) {
  const bool sentence = problem.starts_with("the ");  // as parser/url.h words it
  return fmt::format("{}{} {}", value, sentence ? ":" : "", problem);
}

std::string problem_text(const Scalar& scalar, std::string_view value, std::string_view problem) {
  return problem_text(scalar.is_secret() ? "the value" : quoted_value(value), problem);
}

std::string refusal(std::string_view value, std::string_view problem, std::string_view expected) {
  return fmt::format("{}; expected {}", problem_text(value, problem), expected);
}

std::string refusal(const Scalar& scalar, std::string_view value, std::string_view problem) {
  return fmt::format("{}; expected {}", problem_text(scalar, value, problem), scalar.expected());
}

namespace {

// A key as a path has it: as quoted_value() shows it, so that it may be anything.
std::string key_words(std::string_view key) {
  const std::string quoted = quoted_value(key);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

void FileReader::read(const YamlNode& root, const Describe& keys) {
  if (root.kind == YamlNode::Kind::kNull) return;  // an empty file: defaults
  if (root.kind != YamlNode::Kind::kMap)
    return refuse(root, "", wrong_kind("the top level", root, "a mapping of keys to values"));
  read_map(root, "", keys);
}

void FileReader::scalar(std::string_view key, Scalar&& scalar, Need need) {
  const std::string path = path_of(key);
  const YamlNode* const node = take(key);
  if (node == nullptr) {
    if (need == Need::kRequired)
      refuse(*frames_.back().map, path,
             fmt::format("{}: the key \"{}\" is missing; expected {}",
                         path_words(frames_.back().path), key, scalar.expected()));
    return;
  }
  if (node->kind != YamlNode::Kind::kScalar && node->kind != YamlNode::Kind::kNull)
    return refuse(*node, path, wrong_kind(path, *node, scalar.expected()));
  if (node->kind == YamlNode::Kind::kNull && scalar.takes_nothing()) return;
  if (node->kind == YamlNode::Kind::kNull)
    return refuse(*node, path,
                  fmt::format("{} has no value; expected {}", path, scalar.expected()));
  auto text = resolve(*node, path, scalar.is_text());
  if (!text) return;
  if (scalar.is_path()) text = in_folder(std::move(*text));
  const std::string_view problem = scalar.set(*text);
  if (scalar.is_secret()) explicit_bzero(text->data(), text->size());
  if (problem.empty()) return set_origin(path, *node);
  refuse(*node, path, fmt::format("{}: {}", path, refusal(scalar, node->text, problem)));
}

void FileReader::texts(std::string_view key, TextList&& list) {
  const std::string path = path_of(key);
  const YamlNode* const node = take(key);
  if (node == nullptr || node->kind == YamlNode::Kind::kNull) return;
  if (node->kind == YamlNode::Kind::kMap)
    return refuse(*node, path, wrong_kind(path, *node, "a list, each item " + list.expected()));
  list.clear();
  set_origin(path, *node);
  const auto add = [&](std::string_view text) { return list.add(text); };
  if (node->kind == YamlNode::Kind::kScalar) {
    set_item(*node, path, list.expected(), add);
    return;
  }
  std::size_t added = 0;  // origins have the numbers of the list, in which no refused item stands
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    if (!set_item(*node->items[i], fmt::format("{}[{}]", path, i), list.expected(), add)) continue;
    set_origin(fmt::format("{}[{}]", path, added++), *node->items[i]);
  }
}

bool FileReader::set_item(const YamlNode& node, const std::string& path,
                          const std::string& expected,
                          const std::function<std::string_view(std::string_view)>& set) {
  if (node.kind != YamlNode::Kind::kScalar) {
    refuse(node, path, wrong_kind(path, node, expected));
    return false;
  }
  const auto text = resolve(node, path, true);
  if (!text) return false;
  const std::string_view problem = set(*text);
  if (problem.empty()) {
    set_origin(path, node);
    return true;
  }
  refuse(node, path,
         fmt::format("{}: {}", path, refusal(quoted_value(node.text), problem, expected)));
  return false;
}

void FileReader::section(std::string_view key, const Describe& keys) {
  std::string path = path_of(key);
  const YamlNode* const node = take(key);
  if (node == nullptr || node->kind == YamlNode::Kind::kNull) return;
  if (node->kind != YamlNode::Kind::kMap)
    return refuse(*node, path, wrong_kind(path, *node, "a mapping of keys to values"));
  read_map(*node, std::move(path), keys);
}

void FileReader::sections(std::string_view key, SectionList&& list) {
  const std::string path = path_of(key);
  const YamlNode* const node = take(key);
  if (node == nullptr || node->kind == YamlNode::Kind::kNull) return;
  if (node->kind != YamlNode::Kind::kList)
    return refuse(*node, path,
                  wrong_kind(path, *node, "a list of mappings (each item begins with \"- \")"));
  if (node->items.size() > list.size_max())
    return refuse(*node, path,
                  fmt::format("{}: {} items; at most {} are accepted", path, node->items.size(),
                              list.size_max()));
  set_origin(path, *node);
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = *node->items[i];
    std::string item_path = fmt::format("{}[{}]", path, i);
    list.add();  // a refused item too: the others keep their numbers
    set_origin(item_path, item);
    if (item.kind != YamlNode::Kind::kMap) {
      refuse(item, item_path, wrong_kind(item_path, item, "a mapping of keys to values"));
      continue;
    }
    read_map(item, std::move(item_path), [&](KeyVisitor& v) { list.visit(i, v); });
  }
}

void FileReader::models(std::string_view key, std::vector<ModelMapping>& models) {
  const std::string path = path_of(key);
  const YamlNode* const node = take(key);
  if (node == nullptr || node->kind == YamlNode::Kind::kNull) return;
  if (node->kind == YamlNode::Kind::kScalar)
    return refuse(
        *node, path,
        wrong_kind(path, *node, "a list of names, or a mapping of our names to the provider's"));
  models.clear();
  set_origin(path, *node);
  for (const auto& item : node->items) add_model(*item, *item, path, models);
  for (const YamlNode::Member& member : node->members)
    add_model(*member.key, *member.value, path, models);
}

void FileReader::add_model(const YamlNode& canonical, const YamlNode& native,
                           const std::string& path, std::vector<ModelMapping>& models) {
  ModelMapping mapping;
  const auto reader = [](std::string& into) {
    return [&into](std::string_view text) {
      into = text;
      return kModelRule.check(text);
    };
  };
  const std::string expected(kModelRule.expected);
  if (!set_item(canonical, path, expected, reader(mapping.canonical))) return;
  const std::string native_path = fmt::format("{}.{}", path, mapping.canonical);
  if (!set_item(native, native_path, expected, reader(mapping.native))) return;
  const auto same = std::ranges::find(models, mapping.canonical, &ModelMapping::canonical);
  if (same != models.end())
    return refuse(
        canonical, path,
        fmt::format("{}: the model {} stands here twice", path, quoted_value(mapping.canonical)));
  models.push_back(std::move(mapping));
}

const YamlNode* FileReader::take(std::string_view key) {
  Frame& frame = frames_.back();
  frame.known.emplace_back(key);
  for (const YamlNode::Member& member : frame.map->members)
    if (member.key->text == key) return member.value.get();
  return nullptr;
}

void FileReader::read_map(const YamlNode& map, std::string path, const Describe& keys) {
  frames_.push_back({&map, std::move(path), {}});
  keys(*this);
  report_strange_keys(frames_.back());
  frames_.pop_back();
}

void FileReader::report_strange_keys(const Frame& frame) {
  std::map<std::string_view, int> line_of;
  for (const YamlNode::Member& member : frame.map->members) {
    const YamlNode& key = *member.key;
    const std::string where = path_words(frame.path);
    const auto [first, is_new] = line_of.try_emplace(key.text, key.line);
    if (!is_new)
      findings_->error(place_of(key),
                       fmt::format("duplicate key {} in {}; it stands in line {} already",
                                   quoted_value(key.text), where, first->second),
                       join_path(frame.path, key_words(key.text)));
    else if (std::ranges::find(frame.known, key.text) == frame.known.end())
      refuse_strange_key(key, frame);
  }
}

// The key that was probably meant counts as given and refused, so that nothing is said of its lack.
void FileReader::refuse_strange_key(const YamlNode& key, const Frame& frame) {
  std::string message = fmt::format("unknown key {} in {}{}", quoted_value(key.text),
                                    path_words(frame.path), did_you_mean(key.text, frame.known));
  findings_->error(place_of(key), std::move(message), join_path(frame.path, key_words(key.text)));
  const std::string_view meant = nearest(key.text, frame.known);
  if (!meant.empty()) findings_->count_as_refused(join_path(frame.path, meant));
}

std::optional<std::string> FileReader::resolve(const YamlNode& node, const std::string& path,
                                               bool is_text) {
  if (references_ == References::kTakeAsText) return node.text;
  auto text = expand_variables(node.text, *env_);
  std::string warning;
  if (text && is_text && text->starts_with(kFilePrefix)) text = read_reference(*text, warning);
  if (!text) {
    refuse(node, path, fmt::format("{}: {}", path, text.error()));
    return std::nullopt;
  }
  if (!warning.empty()) findings_->warn(place_of(node), fmt::format("{}: {}", path, warning));
  return std::move(*text);
}

void FileReader::set_origin(const std::string& path, const YamlNode& node) {
  (*origins_)[path] = place_of(node);
}

void FileReader::refuse(const YamlNode& node, const std::string& path, std::string message) {
  findings_->refuse(place_of(node), std::move(message), path);
}

Place FileReader::place_of(const YamlNode& node) const {
  return {Place::Kind::kFile, file_, node.line, node.column};
}

std::string FileReader::path_of(std::string_view key) const {
  return join_path(frames_.back().path, key);
}

std::string FileReader::in_folder(std::string path) const {
  const std::size_t slash = file_.rfind('/');
  if (path.empty() || path.starts_with('/') || slash == std::string::npos) return path;
  return file_.substr(0, slash + 1) + path;
}

}  // namespace sluice
