#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace shenbi::tensor {
namespace {

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

}  // namespace

TEST(Shape, counts_elements_and_sees_any_tensor_as_rows_and_columns) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.elements(), 24u);
  EXPECT_EQ(shape.rows(), 6u);
  EXPECT_EQ(shape.columns(), 4u);
  EXPECT_EQ(shape.with(1, 7), (Shape{2, 7, 4}));
  EXPECT_EQ(Shape{}.elements(), 1u);
  EXPECT_EQ((Shape{3, 0}).elements(), 0u);
  EXPECT_EQ(shape.text(), "[2, 3, 4]");
}

TEST(Shape, refuses_sizes_whose_product_overflows_and_too_many_axes) {
  EXPECT_THROW((Shape{1ull << 40, 1ull << 40}), Error);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
}

TEST(Tensor, views_share_memory_and_clones_do_not) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Tensor x = Tensor::of({3, 2}, values);
  Tensor row = x.rows(1, 2), flat = x.reshaped({6}), copy = x.clone();
  EXPECT_FALSE(x.is_unique());
  x.values<float>()[2] = 30;
  EXPECT_EQ(row.values<float>()[0], 30);
  EXPECT_EQ(flat.values<float>()[2], 30);
  EXPECT_EQ(copy.values<float>()[2], 3);
  EXPECT_TRUE(copy.is_unique());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(copy.data()) % 64, 0u);
}

TEST(Tensor, converts_between_float_types_with_their_rounding) {
  const Tensor x = Tensor::of({3}, std::vector<float>{1.0f, 1.00390625f, -65520.0f});
  EXPECT_EQ(x.to(DType::kBf16).to(DType::kF32).values<float>()[1], 1.0f);  // a tie, to even
  EXPECT_EQ(x.to(DType::kF16).to(DType::kF32).values<float>()[1], 1.00390625f);
  EXPECT_EQ(x.to(DType::kF64).values<double>()[1], 1.00390625);
  EXPECT_EQ(Tensor::scalar(2.5).item(), 2.5);
}

TEST(Tensor, errors_name_the_operation_and_the_shapes) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_EQ(message_of([&] { x.reshaped({7}); }), "reshape: f32 [2, 3] does not fit [7]");
  EXPECT_EQ(message_of([&] { x.rows(1, 3); }), "tensor: rows 1 to 3 of f32 [2, 3]");
  EXPECT_EQ(message_of([&] { x.values<double>(); }), "tensor: f32 [2, 3] read as f64");
  EXPECT_EQ(message_of([&] { Tensor().values<float>(); }), "tensor: an empty tensor read as f32");
  EXPECT_EQ(message_of([&] { x.item(); }), "tensor: item() of f32 [2, 3]");
  EXPECT_EQ(message_of([&] { Tensor::of({2}, std::vector<float>{1}); }), "tensor: 1 values for shape [2]");
  Tensor y = Tensor::zeros({3, 2});
  EXPECT_EQ(message_of([&] { add_into(y, x); }), "add_into: f32 [3, 2] and f32 [2, 3]");
}

TEST(Tensor, memory_the_system_does_not_have_is_an_error_that_names_the_shape) {
  EXPECT_EQ(message_of([] { Tensor::uninitialized({1ull << 62}); }), "tensor: no memory for f32 [4611686018427387904]");
}

}  // namespace shenbi::tensor
