/* trunkline.i - the interface of libtrunkline for SWIG 4.4 or newer, in C mode.
 *
 *   swig -LANGUAGE -I<folder of trunkline.h> trunkline.i
 *
 * All that the C API declares, with `tr_` and `TR_` taken off. What a language needs besides lies in
 * trunkline_LANGUAGE.i beside this file. Processors are not wrapped as directors: a host polls (tr_poll). */
%module trunkline

%{
#include <trunkline.h>
%}

%include <stdint.i>

#define TR_API

%rename("%(strip:[tr_])s", %$isfunction) "";
%rename("%(strip:[TR_])s", %$isconstant) "";

#ifdef SWIGPYTHON
%include "trunkline_python.i"
#endif

%include "trunkline.h"
