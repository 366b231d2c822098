// What the mock reads out of request bodies. Not the gateway's request path: a DOM will do.
#include <nlohmann/json.hpp>

#include "tools/mock/request.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

// The bytes of all texts in a prompt: strings, and the "text" and "content" members of lists and
// objects.
std::uint64_t text_bytes(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size();
  std::uint64_t bytes = 0;
  if (value.is_array()) {
    for (const Json& item : value) bytes += text_bytes(item);
  } else if (value.is_object()) {
    for (const char* const name : {"content", "text"}) {
      const auto member = value.find(name);
      if (member != value.end()) bytes += text_bytes(*member);
    }
  }
  return bytes;
}

std::optional<std::uint64_t> number_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_unsigned()) return std::nullopt;
  return member->get<std::uint64_t>();
}

bool flag_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_boolean() && member->get<bool>();
}

std::string text_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

}  // namespace

BodyFacts read_body_facts(std::string_view body) {
  BodyFacts facts;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return facts;
  facts.is_object = true;
  facts.model = text_member(json, "model");
  facts.stream = flag_member(json, "stream");
  const auto options = json.find("stream_options");
  if (options != json.end() && options->is_object()) {
    facts.include_usage = flag_member(*options, "include_usage");
  }
  for (const char* const name : {"max_completion_tokens", "max_output_tokens", "max_tokens"}) {
    if (!facts.tokens_max) facts.tokens_max = number_member(json, name);
  }
  for (const char* const name : {"messages", "prompt", "input", "system", "instructions"}) {
    const auto member = json.find(name);
    if (member != json.end()) facts.prompt_bytes += text_bytes(*member);
  }
  const auto input = json.find("input");
  // A list of numbers is one input, given as tokens.
  if (input != json.end() && input->is_array() && !input->empty() && !(*input)[0].is_number()) {
    facts.inputs = input->size();
  }
  facts.choices = std::clamp<std::uint64_t>(number_member(json, "n").value_or(1), 1, 16);
  if (const std::optional<std::uint64_t> count = number_member(json, "dimensions")) {
    facts.dimensions = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*count, 1, 4096));
  }
  facts.base64_embeddings = text_member(json, "encoding_format") == "base64";
  return facts;
}

}  // namespace sluice
