// API keys and mappings from the predecessor's database: what is taken can be written again.

#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/decimal.h"
#include "parser/base64.h"
#include "store/import/model_mappings.h"
#include "store/import/sealed_text.h"

namespace sluice {
namespace {

void check_sealed_text(std::string_view input) {
  static const Secret key = raw_key_of(*MasterKey::parse(
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "fuzz"));
  const auto parsed = parse_sealed_text(input);
  const auto opened = open_sealed_text(key, input);
  if (!parsed) {
    SL_ASSERT(!opened && opened.error() == parsed.error());
    SL_ASSERT(!sealed_text_fault_text(parsed.error()).empty());
    return;
  }
  SL_ASSERT(parsed->nonce.size() == kAeadNonceBytes && parsed->sealed.size() >= kAeadTagBytes);
  // What the corpus was sealed from: tests/unit/import/sealed_text_test.cc.
  SL_ASSERT(!opened || opened->reveal() == "nvapi-test-0123456789abcdef>>>???");
}

void check_base64(std::string_view input) {
  const auto bytes = decode_base64(input);
  if (!bytes) return;
  const std::size_t end = std::min(input.find('='), input.size());
  SL_ASSERT(bytes->size() == end * 6 / 8);
}

void check_mappings(std::string_view input) {
  const auto models = parse_model_mappings(input);
  if (!models) {
    SL_ASSERT(!models.error().empty() && !models.error().front().text().empty());
    return;
  }
  for (const StoredMapping& model : *models)
    SL_ASSERT(!model.canonical.empty() && !model.native_id.empty() && model.max_tokens > 0);
}

void check_decimal(std::string_view input) {
  const auto value = parse_scaled_decimal(input, 3);
  if (!value) return;
  // Written again in thousandths it is the same number.
  SL_ASSERT(parse_scaled_decimal(std::to_string(*value) + "e-3", 3) == value);
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  sluice::check_sealed_text(input);
  sluice::check_base64(input);
  sluice::check_mappings(input);
  sluice::check_decimal(input);
  return 0;
}
