#include "tls/random.h"

#include <openssl/rand.h>

#include "base/assert.h"

namespace sluice {

void random_fill(std::span<char> out) noexcept {
  SL_ASSERT(RAND_bytes(reinterpret_cast<std::uint8_t*>(out.data()), out.size()) == 1);
}

std::uint64_t random_seed() noexcept {
  std::uint64_t seed = 0;
  random_fill(std::span(reinterpret_cast<char*>(&seed), sizeof seed));
  return seed;
}

}  // namespace sluice
