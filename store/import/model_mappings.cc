#include "store/import/model_mappings.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/decimal.h"
#include "parser/json_index.h"
#include "parser/json_string.h"
#include "parser/json_walk.h"

namespace sluice {
namespace {

// MappingReader - one walk over the text. A function returns false when the text is no JSON, which
// ends the walk; a value that is not accepted is noted and stepped over.
class MappingReader {
 public:
  MappingReader(std::string_view text, std::span<const std::uint32_t> tokens,
                StrangeMembers strange)
      : text_(text), walk_(text, tokens), strange_(strange) {}

  bool read(std::vector<StoredMapping>& models);

  std::vector<MappingFault> faults;

 private:
  // Calls `member(name)` for each member of the object that begins here; it steps over the value.
  template <class Member>
  bool object(const std::string& field, Member&& member);
  bool model(StoredMapping& model);
  bool member(StoredMapping& model, const std::string& name);
  bool costs(ModelRate& cost, const std::string& field);
  bool cost(const std::string& field, std::optional<std::uint64_t>& value);
  bool strange(const std::string& field);
  bool text(const std::string& field, std::size_t bytes_max, std::string& out);
  bool texts(const std::string& field, std::vector<std::string>& out);
  bool flag(const std::string& field, bool& out);
  bool count(const std::string& field, std::uint64_t& out);
  bool any_object(const std::string& field, std::string& out);
  bool decoded(std::string_view raw, std::string& out);

  // Notes the fault and steps over the value.
  bool refuse(std::string field, std::string problem, std::string mend) {
    faults.push_back({std::move(field), std::move(problem), std::move(mend)});
    return walk_.value();
  }
  [[nodiscard]] bool null() const noexcept { return walk_.peek() == 'n'; }
  // What stands here, for a message.
  [[nodiscard]] std::string shown() const {
    constexpr std::size_t kShownMax = 40;
    if (walk_.peek() == '{') return "an object";
    if (walk_.peek() == '[') return "a list";
    return std::string(walk_.token().substr(0, kShownMax));
  }

  std::string_view text_;
  JsonWalk walk_;
  StrangeMembers strange_;
};

constexpr std::size_t kWordBytesMax = 64;  // of a reasoning_effort, of a modality

template <class Member>
bool MappingReader::object(const std::string& field, Member&& member) {
  if (walk_.peek() != '{') return refuse(field, shown() + " is no object", "give {...}");
  if (!walk_.open(true)) return false;
  bool more = walk_.peek() != '}';
  while (more) {
    std::string_view raw;
    std::string name;
    if (!walk_.key(raw)) return false;
    if (!decoded(raw, name)) {
      if (!refuse(field, "a name in it cannot be decoded", "give UTF-8")) return false;
    } else if (!member(name)) {
      return false;
    }
    if (!walk_.separator(more)) return false;
  }
  walk_.close();
  return true;
}

bool MappingReader::read(std::vector<StoredMapping>& models) {
  const bool good = object("", [&](const std::string& name) {
    if (name.empty()) return refuse("", "a model has no name", "give it one");
    if (std::ranges::find(models, name, &StoredMapping::canonical) != models.end())
      return refuse("", "\"" + name + "\" stands in it twice", "give it once");
    models.push_back({.canonical = name, .native_id = name});
    return model(models.back());
  });
  if (!good) {
    faults.push_back({"",
                      "is no JSON: " + std::string(walk_.fault().message) + " at byte " +
                          std::to_string(walk_.fault().offset),
                      "give an object"});
  } else if (walk_.offset() != text_.size()) {
    faults.push_back({"", "has something behind its end", "leave it out"});
  }
  return faults.empty();
}

bool MappingReader::model(StoredMapping& model) {
  const std::string field = model.canonical;
  if (walk_.peek() == '"') return text(field, kStoredNameBytesMax, model.native_id);
  return object(field, [&](const std::string& name) { return member(model, name); });
}

bool MappingReader::member(StoredMapping& model, const std::string& name) {
  const std::string field = model.canonical + "." + name;
  const bool known = name == "native_id" || name == "reasoning" || name == "reasoning_effort" ||
                     name == "input_modalities" || name == "cost" || name == "context_window" ||
                     name == "max_tokens" || name == "compat";
  if (!known) return strange(field);
  if (null()) return walk_.value();
  if (name == "native_id") return text(field, kStoredNameBytesMax, model.native_id);
  if (name == "reasoning") return flag(field, model.reasoning);
  if (name == "reasoning_effort") return text(field, kWordBytesMax, model.reasoning_effort);
  if (name == "input_modalities") return texts(field, model.input_modalities);
  if (name == "cost") return costs(model.cost, field);
  if (name == "context_window") return count(field, model.context_window);
  if (name == "max_tokens") return count(field, model.max_tokens);
  return any_object(field, model.compat);
}

bool MappingReader::costs(ModelRate& rate, const std::string& field) {
  return object(field, [&](const std::string& name) {
    const std::string path = field + "." + name;
    std::optional<std::uint64_t> value;
    if (name == "cacheRead") return cost(path, rate.cached_read);
    if (name == "cacheWrite") return cost(path, rate.cached_write);
    if (name != "input" && name != "output") return strange(path);
    if (!cost(path, value)) return false;
    (name == "input" ? rate.input : rate.output) = value.value_or(0);
    return true;
  });
}

bool MappingReader::cost(const std::string& field, std::optional<std::uint64_t>& value) {
  constexpr int kPlaces = 15;  // of a dollar for a token, in the unit of ModelRate
  constexpr std::int64_t kDollar = 1'000'000'000'000'000;
  const std::string mend = "give dollars for one token, like 0.0000025; 0 for none";
  const std::string_view token = walk_.token();
  if (null()) return walk_.value();
  const auto number = is_json_number(token) ? parse_scaled_decimal(token, kPlaces) : std::nullopt;
  if (!number) return refuse(field, shown() + " is no amount of dollars", mend);
  if (*number < 0) return refuse(field, shown() + " is negative", mend);
  if (*number == 0 && token.find_first_of("123456789") < token.find_first_of("eE"))
    return refuse(field, shown() + " is less than can be counted", mend);
  if (*number >= kDollar)
    return refuse(field, shown() + " is a dollar or more for a single token", mend);
  value = static_cast<std::uint64_t>(*number);
  return walk_.value();
}

bool MappingReader::strange(const std::string& field) {
  if (strange_ == StrangeMembers::kPassedOver) return walk_.value();
  return refuse(field, "is no member of a mapping", "leave it out");
}

bool MappingReader::text(const std::string& field, std::size_t bytes_max, std::string& out) {
  const std::string mend = "give a text of 1 to " + std::to_string(bytes_max) + " bytes";
  const std::string_view token = walk_.token();
  if (token.size() < 2 || token[0] != '"') return refuse(field, shown() + " is no text", mend);
  std::string read;
  if (!decoded(token.substr(1, token.size() - 2), read))
    return refuse(field, "cannot be decoded", mend);
  if (read.empty()) return refuse(field, "is empty", mend);
  if (read.size() > bytes_max) return refuse(field, "is too long", mend);
  out = std::move(read);
  return walk_.value();
}

bool MappingReader::texts(const std::string& field, std::vector<std::string>& out) {
  if (walk_.peek() != '[') return refuse(field, shown() + " is no list", "give [\"text\"]");
  if (!walk_.open(false)) return false;
  bool more = walk_.peek() != ']';
  while (more) {
    std::string item;
    if (!text(field, kWordBytesMax, item)) return false;
    out.push_back(std::move(item));
    more = walk_.peek() == ',';
    if (more) walk_.advance();
    else if (walk_.peek() != ']') return walk_.fail("expected ',' or ']'");
  }
  walk_.close();
  return true;
}

bool MappingReader::flag(const std::string& field, bool& out) {
  const std::string_view token = walk_.token();
  if (token != "true" && token != "false")
    return refuse(field, shown() + " is no truth value", "give true or false");
  out = token == "true";
  return walk_.value();
}

bool MappingReader::count(const std::string& field, std::uint64_t& out) {
  constexpr std::int64_t kCountMax = 1'000'000'000;
  const std::string mend = "give a whole number from 1 to 1000000000";
  const std::string_view token = walk_.token();
  const bool whole = is_json_number(token) && token.find_first_of(".eE") == token.npos;
  const auto number = whole ? parse_scaled_decimal(token, 0) : std::nullopt;
  if (!whole) return refuse(field, shown() + " is not a whole number", mend);
  if (!number || *number < 1 || *number > kCountMax)
    return refuse(field, shown() + " is out of range", mend);
  out = static_cast<std::uint64_t>(*number);
  return walk_.value();
}

bool MappingReader::any_object(const std::string& field, std::string& out) {
  if (walk_.peek() != '{') return refuse(field, shown() + " is no object", "give {...}");
  const std::size_t begin = walk_.offset();
  if (!walk_.value()) return false;
  const std::string_view with_rest = text_.substr(begin, walk_.offset() - begin);
  out = with_rest.substr(0, with_rest.rfind('}') + 1);  // blanks may stand before the next token
  return true;
}

bool MappingReader::decoded(std::string_view raw, std::string& out) {
  out.resize(raw.size());
  std::size_t size = 0;
  if (!decode_json_string(raw, out.data(), size)) return false;
  out.resize(size);
  return true;
}

}  // namespace

std::string MappingFault::text() const {
  return (field.empty() ? "" : field + ": ") + problem + "; " + mend;
}

std::expected<std::vector<StoredMapping>, std::vector<MappingFault>> parse_model_mappings(
    std::string_view json, StrangeMembers strange) {
  std::vector<StoredMapping> models;
  if (json.empty()) return models;
  JsonIndex index;
  JsonFault fault;
  if (!index.build(json, fault))
    return std::unexpected(std::vector<MappingFault>{
        {"",
         "is no JSON: " + std::string(fault.message) + " at byte " + std::to_string(fault.offset),
         "give an object"}});
  MappingReader reader(json, index.tokens(), strange);
  if (reader.read(models)) return models;
  return std::unexpected(std::move(reader.faults));
}

}  // namespace sluice
