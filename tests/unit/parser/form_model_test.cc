#include "parser/form_model.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=XX";

std::string part(const std::string& disposition, const std::string& value) {
  return "--XX\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + value + "\r\n";
}

struct FormRow {
  const char* rule;
  std::string type;
  std::string body;
  const char* model;
};

TEST(FormModel, FindsTheFieldAndNothingElse) {
  const std::string model = part("name=\"model\"", "whisper-1");
  const std::string file = part("name=\"file\"; filename=\"a.wav\"", "RIFF--XX model");
  const FormRow rows[] = {
      {"the only part", kType, model + "--XX--\r\n", "whisper-1"},
      {"behind a file", kType, file + model + "--XX--\r\n", "whisper-1"},
      {"before a file", kType, model + file + "--XX--\r\n", "whisper-1"},
      {"a quoted boundary", "multipart/form-data; boundary=\"XX\"", model + "--XX--", "whisper-1"},
      {"the type's case does not matter", "Multipart/Form-Data; Boundary=XX", model + "--XX--",
       "whisper-1"},
      {"more part fields", kType,
       "--XX\r\nX-A: b\r\ncontent-disposition: form-data; name=\"model\"\r\nContent-Type: "
       "text/plain\r\n\r\nm\r\n--XX--",
       "m"},
      {"a name without quotes", kType, part("name=model", "m") + "--XX--", "m"},
      {"with blanks and in capitals", kType, part("NAME = \"model\" ; x=y", "m") + "--XX--", "m"},
      {"twice, once without quotes", kType, model + part("name=model", "m") + "--XX--", ""},
      {"inside of another parameter", kType, part("name=\"a; name=model\"", "m") + "--XX--", ""},
      {"inside of an escaped quote", kType, part("name=\"a\\\"; name=model\"", "m") + "--XX--", ""},
      {"a file of another spelling", kType, part("name=model; filename*=utf-8''m", "m") + "--XX--",
       ""},
      {"an empty value", kType, part("name=\"model\"", "") + "--XX--", ""},
      {"another field's name", kType, part("name=\"models\"", "m") + "--XX--", ""},
      {"a file of that name", kType, part("name=\"model\"; filename=\"m\"", "m") + "--XX--", ""},
      {"twice", kType, model + model + "--XX--", ""},
      {"another type", "application/x-www-form-urlencoded", model + "--XX--", ""},
      {"no boundary", "multipart/form-data", model + "--XX--", ""},
      {"another boundary", "multipart/form-data; boundary=YY", model + "--XX--", ""},
      {"cut off in the head", kType, "--XX\r\nContent-Disposition: form-data; name=\"model\"", ""},
      {"cut off in the value", kType,
       "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhis", ""},
      {"too long", kType, part("name=\"model\"", std::string(1025, 'm')) + "--XX--", ""},
      {"an empty body", kType, "", ""},
  };
  for (const FormRow& row : rows)
    EXPECT_EQ(find_form_model(row.body, row.type), row.model) << row.rule;
}

}  // namespace
}  // namespace sluice
