#pragma once
// What houses with words of their own share: OpenAI's fields read one by one, so that none is lost in silence, and
// answers told in OpenAI's form.
//
//   chat::Fields fields = words_of(request);
//   body["text"] = fields.needed_text("input");
//   fields.end();                                 // whatever nobody asked for is refused by its name

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "chat/fields.h"
#include "gateway/media_way.h"

namespace shenbi::gateway {

/// The fields of a request; those that mean the same everywhere ("model", and "user", which is for the house's own
/// statistics) count as read. A file is refused by the name of its field, but for those of the field `file`.
chat::Fields words_of(const MediaRequest& request, std::string_view file = {});

/// "1024x1536" as a pair. Throws naming `size`; nothing if it is not given or "auto".
std::optional<std::pair<int64_t, int64_t>> size_of(chat::Fields& fields);
/// The same as "2:3". Throws naming the ratios there are if it is none of them.
std::optional<std::string> ratio_of(chat::Fields& fields, std::initializer_list<std::string_view> ratios);

HouseCall json_call(std::string path, const chat::OrderedJson& body, net::Headers headers = {});
/// multipart/form-data of texts and at most one file.
HouseCall form_call(std::string path, const std::vector<std::pair<std::string, std::string>>& fields,
                    net::Headers headers = {}, const MediaFile* file = nullptr);

/// The picture that a film begins with: the file `input_reference` as a data URI, or the address in `image_url`. Throws
/// if there are both, or the file is no picture.
std::optional<std::string> first_picture(const MediaRequest& request, chat::Fields& fields);

/// Throws Error{kUpstream} "its answer is ...".
[[noreturn]] void no_answer(std::string_view why);
/// The same, "of an unknown status".
[[noreturn]] void unknown_status();
/// The address of a result as the house writes it. Throws Error{kUpstream} if it names none.
std::string needed_link(std::string link);

/// The answer of a house as an object. Throws Error{kUpstream} if it is none.
Json house_answer(std::string_view body);
/// What stands at a path of names and numbers, "output/results/0/url"; null if it is not there.
Json at_path(const Json& json, std::string_view path);
/// The text there; "" if there is none.
std::string text_at(const Json& json, std::string_view path);

/// OpenAI's list of pictures. Throws Error{kUpstream} if there is none.
std::string image_list(const std::vector<std::string>& urls, const std::vector<std::string>& base64);

/// Throws Error{kInvalidArgument} unless the model's name may stand in a path: letters, digits, "-._:" and slashes.
const std::string& path_model(const std::string& model);

/// Throws Error{kUpstream} unless it may stand in a path: letters, digits, '-', '_', '.' and ':'.
const std::string& plain_id(const std::string& id);

}  // namespace shenbi::gateway
