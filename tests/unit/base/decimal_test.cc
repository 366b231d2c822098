// Decimal numbers to integers of a smaller unit, without a float in between.
#include "base/decimal.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct DecimalRow {
  std::string_view text;
  int places;
  std::optional<std::int64_t> value;
};

constexpr DecimalRow kRows[] = {
    {"0", 9, 0},
    {"1", 9, 1'000'000'000},
    {"-12.50", 2, -1250},
    {"0.3", 9, 300'000'000},
    {".5", 1, 5},
    {"5.", 1, 50},
    {"1e-06", 9, 1000},
    {"2.5E-7", 9, 250},
    {"1.5e+3", 0, 1500},
    {"123456789012345.678", 3, 123'456'789'012'345'678},
    // Half to even, decided by every digit behind.
    {"0.5", 0, 0},
    {"1.5", 0, 2},
    {"2.5", 0, 2},
    {"-2.5", 0, -2},
    {"2.50000000000000000000000001", 0, 3},
    {"2.49999999999999999999999999", 0, 2},
    {"9.5", 0, 10},
    {"0.05", 0, 0},
    {"5e-1", 0, 0},
    {"15e-1", 0, 2},
    {"0.0000000005", 9, 0},
    {"0.0000000015", 9, 2},
    {"9e-99999", 18, 0},
    {"9e-999999999999999999999", 18, 0},
    // The ends of the range.
    {"9223372036854775807", 0, 9'223'372'036'854'775'807},
    {"9223372036854775808", 0, {}},
    {"9223372036854775807.5", 0, {}},
    {"9223372036854775807.4", 0, 9'223'372'036'854'775'807},
    {"10000000000", 9, {}},
    {"1e300", 0, {}},
    {"1e999999999999999999999", 0, {}},
    {"0e999999999999999999999", 9, 0},
    {"0.000e99", 9, 0},
    // No numbers.
    {"", 9, {}},
    {".", 9, {}},
    {"-", 9, {}},
    {"+1", 9, {}},
    {"1e", 9, {}},
    {"1e-", 9, {}},
    {"1.2.3", 9, {}},
    {"1,5", 9, {}},
    {" 1", 9, {}},
    {"1 ", 9, {}},
    {"nan", 9, {}},
    {"Inf", 9, {}},
    {"0x10", 9, {}},
    {"--1", 9, {}},
};

TEST(Decimal, IsScaledExactly) {
  for (const DecimalRow& row : kRows)
    EXPECT_EQ(parse_scaled_decimal(row.text, row.places), row.value)
        << row.text << " with " << row.places;
}

}  // namespace
}  // namespace sluice
