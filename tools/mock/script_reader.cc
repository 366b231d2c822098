// YAML -> MockScript. Faults are thrown as ScriptFault within this file and leave it as values.
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/units.h"
#include "tools/mock/script.h"

namespace sluice {
namespace {

struct ScriptFault {
  YAML::Mark mark;
  std::string message;
};

[[noreturn]] void refuse(const YAML::Node& node, std::string message) {
  throw ScriptFault{node.Mark(), std::move(message)};
}

std::string text_of_node(const YAML::Node& node) {
  if (!node.IsScalar()) refuse(node, "expected a single value");
  return node.Scalar();
}

// '-' and '_' mean the same in names.
std::string name_of(const YAML::Node& key) {
  std::string name = text_of_node(key);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::uint64_t number_of(const YAML::Node& node) {
  const std::optional<std::uint64_t> number = parse_decimal(text_of_node(node));
  if (!number) refuse(node, "expected a number, not \"" + node.Scalar() + "\"");
  return *number;
}

bool flag_of(const YAML::Node& node) {
  const std::string text = text_of_node(node);
  if (text != "true" && text != "false") refuse(node, "expected true or false");
  return text == "true";
}

Duration duration_of(const YAML::Node& node) {
  const std::optional<Duration> duration = parse_duration(text_of_node(node));
  if (!duration) refuse(node, "expected a duration such as 20ms, not \"" + node.Scalar() + "\"");
  return *duration;
}

double share_of(const YAML::Node& node) {
  double share = -1;
  if (!YAML::convert<double>::decode(node, share) || share < 0 || share > 1) {
    refuse(node, "expected a number from 0 to 1");
  }
  return share;
}

std::vector<std::string> texts_of(const YAML::Node& node) {
  if (!node.IsSequence()) refuse(node, "expected a list");
  std::vector<std::string> texts;
  for (const YAML::Node& item : node) texts.push_back(text_of_node(item));
  return texts;
}

// {status: 429, header: [..]}, or the text form "status=429;header=..".
DirectiveList directives_of(const YAML::Node& node) {
  DirectiveList list;
  Behaviour scratch;
  if (!node.IsMap()) refuse(node, "expected directives as a mapping, {status: 429}");
  for (const auto& entry : node) {
    const std::string name = name_of(entry.first);
    std::vector<std::string> values;
    if (entry.second.IsSequence()) values = texts_of(entry.second);
    else values.push_back(text_of_node(entry.second));
    for (std::string& value : values) {
      if (const auto fault = apply_directive(scratch, name, value)) refuse(entry.first, *fault);
      list.emplace_back(name, std::move(value));
    }
  }
  return list;
}

// "3", "2-5", "4-"
void read_nth(const YAML::Node& node, RuleMatch& match) {
  const std::string text = text_of_node(node);
  const std::size_t dash = text.find('-');
  const std::optional<std::uint64_t> first = parse_decimal(text.substr(0, dash));
  if (!first || *first == 0) refuse(node, "expected N, N-M or N-, counted from 1");
  match.nth_first = *first;
  if (dash == text.npos) {
    match.nth_last = *first;
  } else if (dash + 1 < text.size()) {
    const std::optional<std::uint64_t> last = parse_decimal(text.substr(dash + 1));
    if (!last || *last < *first) refuse(node, "expected N, N-M or N-, counted from 1");
    match.nth_last = *last;
  }
}

RuleMatch match_of(const YAML::Node& node) {
  RuleMatch match;
  if (!node.IsMap()) refuse(node, "expected conditions as a mapping");
  for (const auto& entry : node) {
    const std::string name = name_of(entry.first);
    const YAML::Node& value = entry.second;
    if (name == "path") match.path = text_of_node(value);
    else if (name == "method") match.method = text_of_node(value);
    else if (name == "key") match.key = text_of_node(value);
    else if (name == "model") match.model = text_of_node(value);
    else if (name == "stream") match.stream = flag_of(value);
    else if (name == "body-contains") match.body_contains = text_of_node(value);
    else if (name == "nth") read_nth(value, match);
    else if (name == "every") match.every = std::max<std::uint64_t>(1, number_of(value));
    else if (name == "probability") match.probability = share_of(value);
    else if (name == "header" && value.IsMap()) {
      for (const auto& field : value) {
        match.fields.push_back({text_of_node(field.first), text_of_node(field.second)});
      }
    } else {
      refuse(entry.first, "there is no condition \"" + name + "\"");
    }
  }
  return match;
}

Rule rule_of(const YAML::Node& node) {
  Rule rule;
  if (!node.IsMap()) refuse(node, "expected a rule: {match: .., do: ..}");
  for (const auto& entry : node) {
    const std::string name = name_of(entry.first);
    if (name == "match") rule.match = match_of(entry.second);
    else if (name == "do") rule.directives = directives_of(entry.second);
    else if (name == "times") rule.times = number_of(entry.second);
    else refuse(entry.first, "a rule has match, do and times, not \"" + name + "\"");
  }
  for (const auto& [name, value] : rule.directives) {
    if (name == "early" || name == "early-keep") rule.early = value == "true";
  }
  return rule;
}

RetryAfterSpelling spelling_of(const YAML::Node& node) {
  const std::string text = text_of_node(node);
  if (text == "seconds") return RetryAfterSpelling::kSeconds;
  if (text == "ms") return RetryAfterSpelling::kMilliseconds;
  if (text == "date") return RetryAfterSpelling::kDate;
  if (text == "both") return RetryAfterSpelling::kBoth;
  if (text == "none") return RetryAfterSpelling::kNone;
  refuse(node, "expected seconds, ms, date, both or none");
}

WindowMode mode_of(const YAML::Node& node) {
  const std::string text = text_of_node(node);
  if (text == "rolling") return WindowMode::kRolling;
  if (text == "fixed") return WindowMode::kFixed;
  refuse(node, "expected rolling or fixed");
}

KeyLimit limit_of(const YAML::Node& node) {
  KeyLimit limit;
  if (!node.IsMap()) refuse(node, "expected a limit: {key: .., requests: ..}");
  for (const auto& entry : node) {
    const std::string name = name_of(entry.first);
    if (name == "key") limit.key = text_of_node(entry.second);
    else if (name == "requests") limit.requests = number_of(entry.second);
    else if (name == "window") limit.window = std::max(1ns, duration_of(entry.second));
    else if (name == "mode") limit.mode = mode_of(entry.second);
    else if (name == "retry-after") limit.retry_after = spelling_of(entry.second);
    else if (name == "count-refused") limit.count_refused = flag_of(entry.second);
    else refuse(entry.first, "there is no member \"" + name + "\" of a limit");
  }
  if (limit.key.empty()) refuse(node, "a limit needs a key");
  return limit;
}

template <class Item>
std::vector<Item> list_of(const YAML::Node& node, Item (*read)(const YAML::Node&)) {
  if (!node.IsSequence()) refuse(node, "expected a list");
  std::vector<Item> items;
  for (const YAML::Node& item : node) items.push_back(read(item));
  return items;
}

std::vector<ErrorRate> error_rates_of(const YAML::Node& node) {
  if (!node.IsMap()) refuse(node, "expected statuses with their shares, {500: 0.1}");
  std::vector<ErrorRate> rates;
  for (const auto& entry : node) {
    rates.push_back({static_cast<int>(number_of(entry.first)), share_of(entry.second)});
  }
  return rates;
}

void read_member(MockScript& script, const YAML::Node& key, const YAML::Node& value) {
  const std::string name = name_of(key);
  if (name == "seed") script.seed = number_of(value);
  else if (name == "models") script.models = texts_of(value);
  else if (name == "strict-models") script.strict_models = flag_of(value);
  else if (name == "keys") script.keys = texts_of(value);
  else if (name == "keep-alive") script.keep_alive = duration_of(value);
  else if (name == "error-rates") script.error_rates = error_rates_of(value);
  else if (name == "limits") script.limits = list_of(value, limit_of);
  else if (name == "rules") script.rules = list_of(value, rule_of);
  else if (name == "defaults") {
    for (const auto& [directive, text] : directives_of(value)) {
      static_cast<void>(apply_directive(script.defaults, directive, text));  // checked above
    }
  } else {
    refuse(key, "there is no member \"" + name + "\" of a script");
  }
}

}  // namespace

std::expected<MockScript, std::string> parse_script(std::string_view text, const MockScript& base) {
  const auto at = [](const YAML::Mark& mark, const std::string& message) {
    return std::unexpected("line " + std::to_string(mark.line + 1) + ", column " +
                           std::to_string(mark.column + 1) + ": " + message);
  };
  try {
    MockScript script = base;
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return script;
    if (!root.IsMap()) refuse(root, "expected a mapping");
    for (const auto& entry : root) read_member(script, entry.first, entry.second);
    return script;
  } catch (const ScriptFault& fault) {
    return at(fault.mark, fault.message);
  } catch (const YAML::Exception& fault) {
    return at(fault.mark, fault.msg);
  }
}

}  // namespace sluice
