#pragma once

#include <string>

namespace sluice {

// StartFailure - why the server does not run: an exit code of sysexits.h and a text for a person,
// with its line end.
struct StartFailure {
  int exit_code;
  std::string text;
};

}  // namespace sluice
