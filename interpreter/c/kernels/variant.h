/* The name of a kernel whose loops compilers vectorise. A file in arch/ that compiles it once more for one
 * instruction set defines XL_KERNEL first, and gives it another. Internal. */
#ifndef XL_KERNEL
#define XL_KERNEL(name) xl_##name
#endif
