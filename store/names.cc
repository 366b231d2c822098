#include "store/names.h"

#include "store/account_rows.h"
#include "store/key_bytes.h"

namespace sluice {
namespace {

std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= kStoredNameBytesMax) return text;
  std::size_t size = kStoredNameBytesMax;
  // Not between the bytes of one character (RFC 3629: all but its first are 10xxxxxx).
  while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

KeyBytes name_key(NameKind kind, std::string_view text) {
  KeyBytes key;
  key.u8(static_cast<std::uint8_t>(kind)).text(text);
  return key;
}

StoreResult<std::uint32_t> number_in(std::string_view bytes) {
  KeyReader reader(bytes);
  const std::uint32_t number = reader.u32();
  if (!reader.done()) return store_fail(StoreErrc::kMalformed, Table::kNames);
  return number;
}

}  // namespace

StoreResult<void> Names::load(const Transaction& transaction) {
  ours_.clear();
  models_.clear();
  added_.clear();
  last_ = 0;
  auto cursor = StoreCursor::open(transaction, Table::kNames);
  if (!cursor) return store_fail(cursor.error());
  auto found = cursor->first();
  for (; found && *found; found = cursor->next()) {
    KeyReader key(cursor->key());
    const auto kind = static_cast<NameKind>(key.u8());
    const auto number = number_in(cursor->value());
    if (!number) return store_fail(number.error());
    numbers(kind).emplace(key.rest(), *number);
    last_ = std::max(last_, *number);
  }
  if (!found) return store_fail(found.error());
  return {};
}

StoreResult<bool> Names::outdated(const Transaction& transaction) const {
  // Names are never deleted and numbers have no gaps, so their count is the last number.
  const auto count = transaction.count(Table::kNameTexts);
  if (!count) return store_fail(count.error());
  return *count != last_;
}

StoreResult<std::uint32_t> Names::number_of(WriteTransaction& transaction, NameKind kind,
                                            std::string_view text) {
  if (text.empty()) return 0;
  text = cut(text);
  const auto found = numbers(kind).find(text);
  if (found != numbers(kind).end()) return found->second;
  // Strangers do not fill our disk with names.
  if (kind == NameKind::kModel && models_.size() >= kModelsMax && text != kOther) {
    return number_of(transaction, kind, kOther);
  }
  return add(transaction, kind, text);
}

StoreResult<std::uint32_t> Names::add(WriteTransaction& transaction, NameKind kind,
                                      std::string_view text) {
  const std::uint32_t number = last_ + 1;
  KeyBytes bytes;
  bytes.u32(number);
  SL_STORE_TRY(transaction.put(Table::kNames, name_key(kind, text).view(), bytes.view()));
  SL_STORE_TRY(transaction.put(Table::kNameTexts, bytes.view(), text));
  numbers(kind).emplace(text, number);
  added_.push_back({kind, std::string(text)});
  last_ = number;
  return number;
}

void Names::forget_added() {
  last_ -= static_cast<std::uint32_t>(added_.size());
  for (const Added& name : added_) numbers(name.kind).erase(name.text);
  added_.clear();
}

StoreResult<std::optional<std::uint32_t>> find_name(const Transaction& transaction, NameKind kind,
                                                    std::string_view text) {
  if (text.empty()) return 0;
  const auto bytes = transaction.get(Table::kNames, name_key(kind, cut(text)).view());
  if (!bytes) return store_fail(bytes.error());
  if (!*bytes) return std::nullopt;
  return number_in(**bytes);
}

StoreResult<std::string> name_text(const Transaction& transaction, std::uint32_t number) {
  if (number == 0) return std::string();
  KeyBytes key;
  key.u32(number);
  const auto bytes = transaction.get(Table::kNameTexts, key.view());
  if (!bytes) return store_fail(bytes.error());
  if (!*bytes) return store_fail(StoreErrc::kMalformed, Table::kNameTexts);
  return std::string(**bytes);
}

StoreResult<void> NameTexts::write(const Transaction& transaction,
                                   std::initializer_list<Wish> wishes) {
  for (const Wish& wish : wishes) {
    auto known = texts_.find(wish.number);
    if (known == texts_.end()) {
      auto text = name_text(transaction, wish.number);
      if (!text) return store_fail(text.error());
      known = texts_.emplace(wish.number, std::move(*text)).first;
    }
    *wish.text = known->second;
  }
  return {};
}

}  // namespace sluice
