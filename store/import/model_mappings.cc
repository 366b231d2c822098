#include "store/import/model_mappings.h"

#include <algorithm>
#include <utility>

#include "base/decimal.h"
#include "parser/json_index.h"
#include "parser/json_string.h"
#include "parser/json_walk.h"

namespace sluice {
namespace {

// MappingReader - one walk over the text; fault() tells why it ended early.
class MappingReader {
 public:
  MappingReader(std::string_view text, std::span<const std::uint32_t> tokens)
      : text_size_(text.size()), walk_(text, tokens) {}

  bool read(std::vector<ImportedModel>& models);
  [[nodiscard]] std::string fault() const {
    if (!fault_.empty()) return fault_;
    return std::string(walk_.fault().message) + " at byte " + std::to_string(walk_.fault().offset);
  }

 private:
  // Calls `member(name)` for each member of the object that begins here; it steps over the value.
  template <class Member>
  bool object(std::string_view what, Member&& member);
  bool model(ImportedModel& model);
  bool details(ImportedModel& model);
  bool costs(ImportedModel& model);
  bool cost(std::string_view name, std::int64_t& value);
  bool string(std::string& out);
  bool decoded(std::string_view raw, std::string& out);
  bool refuse(std::string fault) {
    fault_ = std::move(fault);
    return false;
  }

  std::size_t text_size_;
  JsonWalk walk_;
  std::string fault_;
  std::string canonical_;  // of the model that is being read
};

template <class Member>
bool MappingReader::object(std::string_view what, Member&& member) {
  if (walk_.peek() != '{') return refuse(std::string(what) + " is no object");
  if (!walk_.open(true)) return false;
  bool more = walk_.peek() != '}';
  while (more) {
    std::string_view raw;
    std::string name;
    if (!walk_.key(raw) || !decoded(raw, name) || !member(name) || !walk_.separator(more))
      return false;
  }
  walk_.close();
  return true;
}

bool MappingReader::read(std::vector<ImportedModel>& models) {
  const bool good = object("it", [&](const std::string& name) {
    if (name.empty()) return refuse("a model has no name");
    if (std::ranges::find(models, name, &ImportedModel::canonical) != models.end())
      return refuse("the model \"" + name + "\" stands in it twice");
    canonical_ = name;
    models.push_back({.canonical = name, .native = name});
    return model(models.back());
  });
  if (!good) return false;
  return walk_.offset() == text_size_ || refuse("something stands behind its end");
}

bool MappingReader::model(ImportedModel& model) {
  if (walk_.peek() == '"') {
    if (!string(model.native)) return false;
  } else if (!details(model)) {
    return false;
  }
  return !model.native.empty() || refuse("the model \"" + canonical_ + "\" has an empty native_id");
}

bool MappingReader::details(ImportedModel& model) {
  return object("the model \"" + canonical_ + "\"", [&](const std::string& name) {
    const bool null = walk_.peek() == 'n';
    if (name == "native_id" && !null) return string(model.native);
    if (name == "cost" && !null) return costs(model);
    return walk_.value();
  });
}

bool MappingReader::costs(ImportedModel& model) {
  return object("the cost of \"" + canonical_ + "\"", [&](const std::string& name) {
    if (name == "input") return cost(name, model.cost_input);
    if (name == "output") return cost(name, model.cost_output);
    return walk_.value();
  });
}

bool MappingReader::cost(std::string_view name, std::int64_t& value) {
  constexpr int kPlaces = 12;  // 10^6 tokens, 10^6 millionths
  const std::string_view token = walk_.token();
  const bool null = token == "null";
  const auto number = parse_scaled_decimal(token, kPlaces);
  if (!null && (!is_json_number(token) || !number || *number < 0))
    return refuse("the cost." + std::string(name) + " of \"" + canonical_ +
                  "\" is no amount of dollars for a token");
  if (!null) value = *number;
  return walk_.value();
}

bool MappingReader::string(std::string& out) {
  const std::string_view token = walk_.token();
  if (token.size() < 2 || token[0] != '"')
    return refuse("the native_id of \"" + canonical_ + "\" is no text");
  return decoded(token.substr(1, token.size() - 2), out) && walk_.value();
}

bool MappingReader::decoded(std::string_view raw, std::string& out) {
  out.resize(raw.size());
  std::size_t size = 0;
  if (!decode_json_string(raw, out.data(), size)) return refuse("a text in it cannot be decoded");
  out.resize(size);
  return true;
}

}  // namespace

std::expected<std::vector<ImportedModel>, std::string> parse_model_mappings(std::string_view json) {
  std::vector<ImportedModel> models;
  if (json.empty()) return models;
  JsonIndex index;
  JsonFault fault;
  if (!index.build(json, fault))
    return std::unexpected("is no JSON: " + std::string(fault.message) + " at byte " +
                           std::to_string(fault.offset));
  MappingReader reader(json, index.tokens());
  if (reader.read(models)) return models;
  return std::unexpected("is not a mapping of models: " + reader.fault());
}

}  // namespace sluice
