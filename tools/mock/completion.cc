#include <algorithm>

#include "tools/mock/answer_parts.h"

namespace sluice {
namespace {

// Every fourth word holds what parsers stumble over: quotes, controls, two to four byte characters.
std::string word_at(std::uint64_t index, bool unicode) {
  std::string word = "token-" + std::to_string(index);
  if (!unicode) return word;
  constexpr std::string_view kOddities[] = {"\"quoted\\\"", "line\nbreak\ttab", "gr\u00fc\u00dfe",
                                            "\u65e5\u672c\U0001f600"};
  return word + std::string(kOddities[index % std::size(kOddities)]);
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t next = std::min(text.find(' ', 1), text.size());
    words.emplace_back(text.substr(0, next));
    text.remove_prefix(next);
  }
  return words;
}

// Pads each word so that all together have `bytes` bytes.
void pad_words(std::vector<std::string>& words, std::uint64_t bytes) {
  std::uint64_t left = bytes;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t share = left / (words.size() - i);
    if (words[i].size() < share) words[i].append(share - words[i].size(), 'x');
    left -= std::min<std::uint64_t>(left, words[i].size());
  }
}

}  // namespace

std::string json_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string MockCompletion::text() const {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

MockCompletion complete(const MockRequest& request, const ContentBehaviour& content) {
  MockCompletion completion;
  if (content.content) {
    completion.words = split_words(*content.content);
  } else {
    for (std::uint32_t i = 0; i < content.tokens; ++i) {
      completion.words.push_back((i == 0 ? "" : " ") + word_at(i, content.unicode));
    }
  }
  const std::uint64_t words_max = request.facts.tokens_max.value_or(completion.words.size());
  if (words_max < completion.words.size()) {
    completion.words.resize(words_max);
    completion.cut = true;
  }
  if (content.content_bytes > 0) pad_words(completion.words, content.content_bytes);
  completion.prompt_tokens = content.prompt_tokens.value_or(
      std::max<std::uint64_t>(1, (request.facts.prompt_bytes + 3) / 4));
  completion.cached_tokens = content.cached_tokens;
  completion.reasoning_tokens = content.reasoning_tokens;
  completion.completion_tokens =
      completion.words.size() * request.facts.choices + content.reasoning_tokens;
  return completion;
}

void add_event(MockAnswer& answer, const OrderedJson& data, MockEvent::Role role) {
  answer.events.push_back({"data: " + json_text(data) + "\n\n", role});
}

void add_named_event(MockAnswer& answer, std::string_view name, const OrderedJson& data,
                     MockEvent::Role role) {
  answer.events.push_back(
      {"event: " + std::string(name) + "\ndata: " + json_text(data) + "\n\n", role});
}

OrderedJson chat_usage(const MockCompletion& completion, UsageShape shape) {
  switch (shape) {
    case UsageShape::kNone: return OrderedJson(OrderedJson::value_t::discarded);
    case UsageShape::kNull: return nullptr;
    case UsageShape::kTotal: return {{"total_tokens", completion.total()}};
    case UsageShape::kZero:
      return {{"prompt_tokens", 0}, {"completion_tokens", 0}, {"total_tokens", 0}};
    case UsageShape::kFull:
    case UsageShape::kContinuous: break;
  }
  return {
      {"prompt_tokens", completion.prompt_tokens},
      {"completion_tokens", completion.completion_tokens},
      {"total_tokens", completion.total()},
      {"prompt_tokens_details", {{"cached_tokens", completion.cached_tokens}, {"audio_tokens", 0}}},
      {"completion_tokens_details",
       {{"reasoning_tokens", completion.reasoning_tokens},
        {"audio_tokens", 0},
        {"accepted_prediction_tokens", 0},
        {"rejected_prediction_tokens", 0}}}};
}

}  // namespace sluice
