//! Links as QR codes.

use axum::response::{IntoResponse, Response};
use http::header;
use qrcode::{Color, EcLevel, QrCode, render::svg, types::QrError};

/// Empty modules around the code, as its standard demands.
const QUIET: usize = 4;
/// Pixels of a module's side in a picture for print.
const SCALE: usize = 12;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrFailure {
    #[error("the link is too long for a QR code")]
    TooLong(#[from] QrError),
    #[error("the picture cannot be written: {0}")]
    Picture(#[from] png::EncodingError),
}

fn code(link: &str) -> Result<QrCode, QrFailure> {
    Ok(QrCode::with_error_correction_level(link, EcLevel::M)?)
}

/// The link as a drawing.
///
/// # Errors
/// When it is too long.
pub(crate) fn svg(link: &str) -> Result<String, QrFailure> {
    Ok(code(link)?.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}

/// The link as a picture, black on white, one bit a pixel.
///
/// # Errors
/// When it is too long.
pub(crate) fn png(link: &str) -> Result<Vec<u8>, QrFailure> {
    let code = code(link)?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET) * SCALE;
    let is_dark = |x: usize, y: usize| {
        let (x, y) = ((x / SCALE).checked_sub(QUIET), (y / SCALE).checked_sub(QUIET));
        let (Some(x), Some(y)) = (x.filter(|x| *x < width), y.filter(|y| *y < width)) else { return false };
        colors[y * width + x] == Color::Dark
    };
    let mut pixels = Vec::with_capacity(side * side.div_ceil(8));
    for y in 0..side {
        for start in (0..side).step_by(8) {
            let bits = (0..8).filter(|bit| start + bit < side && !is_dark(start + bit, y));
            pixels.push(bits.fold(0u8, |byte, bit| byte | (0x80 >> bit)));
        }
    }
    let mut picture = Vec::new();
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut picture, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(picture)
}

pub(crate) fn svg_response(drawing: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
    (headers, drawing).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_drawing_and_a_picture_of_the_same_modules() {
        let link = "https://go.example.com/l/c3acqe54744kcrxf";
        assert!(svg(link).unwrap().contains("<svg"));
        let picture = png(link).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let code = code(link).unwrap();
        assert_eq!(info.width as usize, (code.width() + 2 * QUIET) * SCALE);
        let at = |x: usize, y: usize| {
            let (x, y) = ((x + QUIET) * SCALE + SCALE / 2, (y + QUIET) * SCALE + SCALE / 2);
            pixels[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0
        };
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (index % code.width(), index / code.width());
            assert_eq!(at(x, y), color == Color::Dark, "{x} {y}");
        }
        assert_eq!(pixels[0], 0xFF, "the margin is white");
        assert!(matches!(svg(&"x".repeat(5_000)), Err(QrFailure::TooLong(_))));
    }
}
