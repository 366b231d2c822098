#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "store/vault/master_key.h"

namespace sluice {

// A master key that is `digit` 64 times.
inline MasterKey key_of(char digit) {
  auto key = MasterKey::parse(std::string(64, digit), "test");
  EXPECT_TRUE(key);
  return std::move(*key);
}

}  // namespace sluice
