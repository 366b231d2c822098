#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace sluice {

// Scalar - one value of the configuration as text: how it is read, how it is written and what is
// accepted. Refers to the variable that holds the value.
class Scalar {
 public:
  virtual ~Scalar() = default;
  // Reads `text`. "" when it was accepted; otherwise what is wrong with it, in words that follow
  // the value ("is out of range"), and the value is as before.
  [[nodiscard]] virtual std::string_view set(std::string_view text) = 0;
  // The value as the configuration file would have it; secrets redacted.
  [[nodiscard]] virtual std::string text() const = 0;
  // What is accepted: "a whole number from 1 to 256".
  [[nodiscard]] virtual std::string expected() const = 0;
  // The same where numbers are given as such, in JSON: "seconds from 1 to 86400".
  [[nodiscard]] virtual std::string expected_number() const { return expected(); }
  // A value that must not stand in a message.
  [[nodiscard]] virtual bool is_secret() const { return false; }
  // Text in quotes, and "file:" refers to a file. The others are numbers and words.
  [[nodiscard]] virtual bool is_text() const { return false; }
  // The name of a file, relative to the configuration file's folder.
  [[nodiscard]] virtual bool is_path() const { return false; }
  // A key without a value (`notes:`) is as good as none; for others it is a fault.
  [[nodiscard]] virtual bool takes_nothing() const { return false; }
};

// A number of bytes: "32MiB".
class SizeScalar final : public Scalar {
 public:
  SizeScalar(std::uint64_t& value, std::uint64_t min, std::uint64_t max)
      : value_(&value), min_(min), max_(max) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;

 private:
  std::uint64_t* value_;
  std::uint64_t min_, max_;
};

// A span of time: "250ms", "30s", "10min".
class DurationScalar final : public Scalar {
 public:
  enum class Zero : bool { kAsOthers, kIsNever };  // 0 is taken, though less than `min`
  DurationScalar(Duration& value, Duration min, Duration max, Zero zero = Zero::kAsOthers)
      : value_(&value), min_(min), max_(max), zero_(zero) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;
  std::string expected_number() const override;

 private:
  [[nodiscard]] bool takes(Duration duration) const {
    if (duration == Duration::zero() && zero_ == Zero::kIsNever) return true;
    return duration >= min_ && duration <= max_;
  }

  Duration* value_;
  Duration min_, max_;
  Zero zero_;
};

class IntegerScalar final : public Scalar {
 public:
  IntegerScalar(std::uint32_t& value, std::uint32_t min, std::uint32_t max)
      : value_(&value), min_(min), max_(max) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;

 private:
  std::uint32_t* value_;
  std::uint32_t min_, max_;
};

// A share as whole percent: 5 is 0.05.
class PercentScalar final : public Scalar {
 public:
  PercentScalar(double& value, std::uint32_t min, std::uint32_t max)
      : value_(&value), min_(min), max_(max) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;

 private:
  double* value_;
  std::uint32_t min_, max_;
};

// Dollars for a million tokens, "2.50"; held in millionths.
class PriceScalar final : public Scalar {
 public:
  explicit PriceScalar(std::uint64_t& value) : value_(&value) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;

 private:
  std::uint64_t* value_;
};

// Dollars, "12.50"; held in nano-dollars. 0: none.
class BudgetScalar final : public Scalar {
 public:
  explicit BudgetScalar(std::uint64_t& value) : value_(&value) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;

 private:
  std::uint64_t* value_;
};

class BooleanScalar final : public Scalar {
 public:
  explicit BooleanScalar(bool& value) : value_(&value) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override { return "true or false"; }

 private:
  bool* value_;
};

// TextRule - what a text may be. `check` answers what is wrong, "" when nothing is.
struct TextRule {
  std::string_view (*check)(std::string_view text);
  std::string_view expected;
  bool path = false;
};

extern const TextRule kNameRule;        // of an account: stands in headers, logs, metrics
extern const TextRule kClientNameRule;  // of a client: in paths too
extern const TextRule kModelRule;       // a model's name, or its prefix; not empty
extern const TextRule kOptionalModelRule;
extern const TextRule kBaseUrlRule;
extern const TextRule kPathRule;
extern const TextRule kOptionalPathRule;
extern const TextRule kNoteRule;  // for people alone: notes, labels, addresses
extern const TextRule kKeyRule;   // an API key: sent in a header field

class TextScalar : public Scalar {
 public:
  TextScalar(std::string& value, const TextRule& rule) : value_(&value), rule_(&rule) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override { return *value_; }
  std::string expected() const override { return std::string(rule_->expected); }
  bool is_text() const override { return true; }
  bool is_path() const override { return rule_->path; }

 private:
  std::string* value_;
  const TextRule* rule_;
};

// A text that may be left empty in any way.
class OptionalTextScalar final : public TextScalar {
 public:
  using TextScalar::TextScalar;
  bool takes_nothing() const override { return true; }
};

// An API key of ours at a provider.
class SecretScalar final : public Scalar {
 public:
  explicit SecretScalar(Secret& value) : value_(&value) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override { return std::string(kKeyRule.expected); }
  bool is_secret() const override { return true; }
  bool is_text() const override { return true; }

 private:
  Secret* value_;
};

struct ClientConfig;

// A client's key, or "sha256:" and the 64 hexadecimal digits of its SHA-256.
class ClientKeyScalar final : public Scalar {
 public:
  explicit ClientKeyScalar(ClientConfig& client) : client_(&client) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override;
  std::string expected() const override;
  bool is_secret() const override { return true; }
  bool is_text() const override { return true; }

 private:
  ClientConfig* client_;
};

// One word of a few; letters of either case. The first word for a value is the one that is shown,
// the others (`hidden`) are other names for it.
template <class E>
struct NamedValue {
  std::string_view word;
  E value;
  bool hidden = false;
};

// "a, b or c".
[[nodiscard]] std::string any_of_words(std::span<const std::string_view> words);
[[nodiscard]] bool same_word(std::string_view a, std::string_view b) noexcept;

template <class E>
class ChoiceScalar final : public Scalar {
 public:
  ChoiceScalar(E& value, std::span<const NamedValue<E>> choices)
      : value_(&value), choices_(choices) {}
  std::string_view set(std::string_view text) override {
    for (const NamedValue<E>& choice : choices_) {
      if (!same_word(choice.word, text)) continue;
      *value_ = choice.value;
      return {};
    }
    return "is unknown";
  }
  std::string text() const override {
    for (const NamedValue<E>& choice : choices_)
      if (choice.value == *value_) return std::string(choice.word);
    return {};
  }
  std::string expected() const override {
    std::vector<std::string_view> words;
    for (const NamedValue<E>& choice : choices_)
      if (!choice.hidden) words.push_back(choice.word);
    return any_of_words(words);
  }

 private:
  E* value_;
  std::span<const NamedValue<E>> choices_;
};

[[nodiscard]] std::string bytes_text(std::uint64_t bytes);   // "32MiB"
[[nodiscard]] std::string duration_text(Duration duration);  // "1h", "90s", "250ms"

}  // namespace sluice
