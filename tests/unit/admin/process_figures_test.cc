#include "admin/process_figures.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

constexpr std::string_view kStat =
    "1234 (sluice) ) x) S 1 1234 1234 0 -1 4194560 3000 0 5 0 700 55 0 0 30 10 4 0 98765 "
    "123456789 2500 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0\n";

TEST(ProcessFigures, AreReadBehindTheNameOfTheProgram) {
  ProcessFigures figures;
  ASSERT_TRUE(parse_process_stat(kStat, 4096, figures));
  EXPECT_EQ(figures.cpu_ticks, 755u);
  EXPECT_EQ(figures.threads, 4u);
  EXPECT_EQ(figures.start_ticks, 98765u);
  EXPECT_EQ(figures.virtual_bytes, 123456789u);
  EXPECT_EQ(figures.resident_bytes, 2500u * 4096);
}

TEST(ProcessFigures, WhatIsCutShortTellsNothing) {
  ProcessFigures figures;
  for (std::size_t size = 0; size < kStat.find(" 123456789"); ++size)
    EXPECT_FALSE(parse_process_stat(kStat.substr(0, size), 4096, figures)) << size;
}

TEST(ProcessFigures, TheBootTimeIsALineOfItsOwn) {
  ProcessFigures figures;
  EXPECT_TRUE(parse_boot_time("cpu 1 2\nctxt 5\nbtime 1700000000\nprocesses 3\n", figures));
  EXPECT_EQ(figures.boot_unix_s, 1'700'000'000u);
  EXPECT_FALSE(parse_boot_time("cpu 1 2\nxbtime 17\n", figures));
}

TEST(ProcessFigures, OfThisProcess) {
  const auto figures = read_process_figures();
  ASSERT_TRUE(figures);
  EXPECT_GT(figures->resident_bytes, 100'000u);
  EXPECT_GE(figures->open_fds, 3u);
  EXPECT_GE(figures->threads, 1u);
  EXPECT_GT(figures->boot_unix_s, 1'000'000'000u);
}

}  // namespace
}  // namespace sluice
