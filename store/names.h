#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/transaction.h"

namespace sluice {

// Who chose a name. Clients choose models, and may invent one for each request; the others are the
// administrator's.
enum class NameKind : std::uint8_t { kOurs = 1, kModel = 2 };

// Names - numbers for the texts in usage: keys stay short, and no text is too long for one. A
// number is never given twice, and stays when what it names is deleted. 0 is the empty text.
//
// Owns      a copy of the table, as of the last commit and the transaction that runs.
// Affinity  the Writer's thread.
// Limits    kModelsMax models, the later ones are all "(other)"; kStoredNameBytesMax bytes, the
//           rest is cut off between two characters.
class Names {
 public:
  static constexpr std::size_t kModelsMax = 10'000;
  static constexpr std::string_view kOther = "(other)";

  [[nodiscard]] StoreResult<void> load(const Transaction& transaction);
  [[nodiscard]] StoreResult<std::uint32_t> number_of(WriteTransaction& transaction, NameKind kind,
                                                     std::string_view text);
  // Whether somebody else has added names since (apply_import()): load() again.
  [[nodiscard]] StoreResult<bool> outdated(const Transaction& transaction) const;
  // After the commit, and after (or instead of) an abort.
  void keep_added() noexcept { added_.clear(); }
  void forget_added();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  using Numbers = std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>>;

  Numbers& numbers(NameKind kind) noexcept { return kind == NameKind::kModel ? models_ : ours_; }
  [[nodiscard]] StoreResult<std::uint32_t> add(WriteTransaction& transaction, NameKind kind,
                                               std::string_view text);

  Numbers ours_;
  Numbers models_;
  std::uint32_t last_ = 0;
  struct Added {
    NameKind kind;
    std::string text;
  };
  std::vector<Added> added_;
};

// The same for readers, by look-up. A text that was never counted has no number.
[[nodiscard]] StoreResult<std::optional<std::uint32_t>> find_name(const Transaction& transaction,
                                                                  NameKind kind,
                                                                  std::string_view text);
// kMalformed when there is no such number.
[[nodiscard]] StoreResult<std::string> name_text(const Transaction& transaction,
                                                 std::uint32_t number);

// NameTexts - texts of numbers, each looked up once.
class NameTexts {
 public:
  struct Wish {
    std::uint32_t number;
    std::string* text;
  };
  // Writes the text of each number to its place.
  [[nodiscard]] StoreResult<void> write(const Transaction& transaction,
                                        std::initializer_list<Wish> wishes);

 private:
  std::unordered_map<std::uint32_t, std::string> texts_;
};

}  // namespace sluice
