/** Made by `../emoji-data.ts`; read by `words/emoji.ts`. */
declare module "virtual:emoji/*" {
  const data: string
  export default data
}
