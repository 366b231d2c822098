#pragma once

#include <string>
#include <vector>

#include "engine/load/load_generator.h"

namespace sluice {

// LoadReport - a run, to be told.
struct LoadReport {
  std::string url;
  std::string request;  // what was asked for: "model gpt-4o, stream, 1024 bytes of prompt"
  LoadSettings settings;
  LoadResult result;
  const LoadTally* tally = nullptr;
};

// Why the result says something of the generator instead of what was tested; empty when it can be
// trusted. Sentences.
[[nodiscard]] std::vector<std::string> load_doubts(const LoadReport& report);

// A table for people; one JSON object for programs, with a line end.
[[nodiscard]] std::string load_text(const LoadReport& report);
[[nodiscard]] std::string load_json(const LoadReport& report);

// One line on a run that goes on, without its end.
[[nodiscard]] std::string load_progress_text(const LoadProgress& progress, const LoadTally& tally);

}  // namespace sluice
