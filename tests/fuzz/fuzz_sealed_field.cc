// Sealed fields: nothing opens but what was sealed, and every refusal says why.

#include <string>
#include <string_view>

#include "base/assert.h"
#include "store/vault/key_check.h"
#include "store/vault/rotation.h"
#include "store/vault/vault.h"

namespace sluice {
namespace {

// What the corpus was sealed with: the golden value of tests/unit/vault/vault_test.cc.
constexpr FieldRef kRef{.table = "accounts", .record = "bkd_1", .field = "api_key", .revision = 7};
constexpr std::string_view kClear = "sk-test-0123456789";

const MasterKey& key() {
  static const MasterKey instance = std::move(*MasterKey::parse(std::string(64, '1'), "fuzz"));
  return instance;
}

void check_field(std::string_view input) {
  static const Vault vault(key());
  const auto opened = vault.open(kRef, input);
  if (opened) {
    SL_ASSERT(opened->reveal() == kClear);
    SL_ASSERT(Vault::sealed_under(input) == key().id());
    return;
  }
  SL_ASSERT(!opened.error().text(kRef).empty());
  const bool other_key = opened.error().fault == VaultFault::kOtherKey;
  SL_ASSERT(!other_key || Vault::sealed_under(input) == opened.error().sealed_under);
}

void check_key_check(std::string_view input) {
  const auto checked = KeyCheck::check(key(), input);
  SL_ASSERT(checked || checked.error().text("key", "database").ends_with("database.\n"));
}

void check_rotation_state(std::string_view input) {
  const auto state = parse_rotation_state(input);
  SL_ASSERT(!state || encode_rotation_state(*state) == input);
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  sluice::check_field(input);
  sluice::check_key_check(input);
  sluice::check_rotation_state(input);
  return 0;
}
