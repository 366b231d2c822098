#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string_view>

#include "base/result.h"

namespace sluice {
namespace {

TEST(Error, EachCodeHasATextOfItsOwn) {
  std::set<std::string_view> texts;
  for (int code = 0; code <= static_cast<int>(Errc::kOs); ++code)
    texts.insert(errc_text(static_cast<Errc>(code)));
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(Errc::kOs) + 1);
  EXPECT_FALSE(texts.contains("unknown error"));
  EXPECT_EQ(side_text(Side::kUpstream), "upstream");
}

struct ErrnoRow {
  int os_errno;
  Errc code;
};

constexpr ErrnoRow kErrnoRows[] = {
    {ECANCELED, Errc::kCancelled},
    {ETIMEDOUT, Errc::kTimedOut},
    {ECONNRESET, Errc::kConnectionReset},
    {EPIPE, Errc::kConnectionReset},
    {ECONNREFUSED, Errc::kConnectFailed},
    {ENOBUFS, Errc::kNoBuffers},
    {EACCES, Errc::kOs},
};

TEST(Error, KeepsTheErrnoItCameFrom) {
  for (const ErrnoRow& row : kErrnoRows) {
    const Error error = error_from_errno(row.os_errno, Side::kDownstream);
    EXPECT_EQ(error.code, row.code) << row.os_errno;
    EXPECT_EQ(error.os_errno, row.os_errno);
    EXPECT_EQ(error.side, Side::kDownstream);
    EXPECT_EQ(error.retry, Retry::kUnsafe);
  }
}

TEST(Result, HoldsAValueOrAnError) {
  const auto positive = [](int number) -> Result<int> {
    if (number < 0) return fail(Errc::kMalformed, Side::kOurs, Retry::kSafe);
    return number;
  };
  EXPECT_EQ(positive(1), 1);
  EXPECT_EQ(positive(-1).error().code, Errc::kMalformed);
  EXPECT_EQ(positive(-1).error().retry, Retry::kSafe);
}

}  // namespace
}  // namespace sluice
