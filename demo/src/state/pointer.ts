/** Whether a field may take the focus by itself: a phone would cover half of the screen with its keyboard. */
export const hasMouse = (): boolean => matchMedia("(hover: hover) and (pointer: fine)").matches
