#pragma once

#include <cstdint>
#include <string>

#include "store/usage_event.h"

namespace sluice {

// JournalLoss - records that cannot be read any more, or a place in a file that cannot.
struct JournalLoss {
  std::string file;
  std::uint64_t offset = 0;          // where in the file
  std::uint64_t bytes = 0;           // 0: nothing is damaged there, records are missing
  std::uint64_t first_sequence = 0;  // of the records that are lost: none when last is smaller
  std::uint64_t last_sequence = 0;
  std::uint64_t perhaps = 0;  // more than these: nobody knows what was there

  // For the log: what is lost, where, and what a person may do.
  [[nodiscard]] std::string text() const;
};

// JournalFailure - why a journal cannot be used: an errno number (0: none) and a text for a person,
// without its line end.
struct JournalFailure {
  int os_errno = 0;
  std::string text;
};

// What a file with damaged bytes is renamed to when its records are applied, behind its name.
inline constexpr const char* kDamagedSuffix = ".damaged";

// UsageSink - takes what is read from a journal, in the order of the sequences.
class UsageSink {
 public:
  virtual ~UsageSink() = default;
  // The texts of the event are valid until it returns.
  virtual void take(const UsageEvent& event) = 0;
  // Comes before the records behind what was lost; again when they are read again.
  virtual void lost(const JournalLoss& loss) = 0;
};

}  // namespace sluice
